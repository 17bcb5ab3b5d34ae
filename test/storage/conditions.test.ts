/** What may go wrong around a database, on the real ones: the cases that conditions add to the storage contract. */
import { after, describe, test } from "node:test";
import { memoryStorage } from "holdfast/storage/memory";
import { storageSuite, type StorageConditions, type StorageUnderTest } from "holdfast/testing";
import { REDIS_OPENERS, redisConditions } from "../support/redis-conditions.js";
import {
  MYSQL_OPENERS,
  mysqlConditions,
  POSTGRES_OPENERS,
  postgresConditions,
  prepareMysql,
  preparePostgres,
} from "../support/sql-conditions.js";
import { ownService, unlessMissing } from "../support/services.js";

const CONTRACT = new Set(storageSuite(() => ({ storage: memoryStorage() })).map(({ name }) => name));

interface Conditioned<U extends StorageUnderTest> {
  make(): Promise<U>;
  readonly conditions: StorageConditions<U>;
  close(): unknown;
}

function declare<U extends StorageUnderTest>({ make, conditions }: Conditioned<U>): void {
  const cases = storageSuite(make, conditions).filter(({ name }) => !CONTRACT.has(name));
  for (const { name, run } of cases) test(name, run);
}

/** All servers are there before the first test begins: making one stops this process for a while. */
const declarations: (() => unknown)[] = [];

await unlessMissing("redis", "", async () => {
  const service = await ownService("redis");
  for (const client of Object.keys(REDIS_OPENERS)) {
    const conditioned = await redisConditions(client, service);
    declarations.push(() => after(() => conditioned.close()));
    declarations.push(() => describe(`redis, ${client}`, () => declare(conditioned)));
  }
  declarations.push(() => after(() => service.servers[0]!.kill()));
});

for (const [name, openers, prepare, conditionsOf] of [
  ["postgres", POSTGRES_OPENERS, preparePostgres, postgresConditions],
  ["mariadb", MYSQL_OPENERS, prepareMysql, mysqlConditions],
] as const) {
  await unlessMissing(name, "", async () => {
    const service = await ownService(name);
    await prepare(service);
    for (const client of Object.keys(openers)) {
      const conditioned = await conditionsOf(client, service);
      declarations.push(() => after(() => conditioned.close()));
      declarations.push(() => describe(`${name}, ${client}`, () => declare(conditioned)));
    }
    declarations.push(() => after(() => service.servers[0]!.kill()));
  });
}

for (const declareNow of declarations) declareNow();
