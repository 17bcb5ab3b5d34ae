/** A part of the client matrix; all of it is `npm run storages -- --matrix`. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { unlessMissing } from "../../support/services.js";
import { nameOf } from "./row.js";
import { ROWS } from "./rows.js";
import { runRow } from "./run.js";
import { endServers, serverOf } from "./servers.js";

/** As many as there are at least, each with a client, a version and a configuration of its own. */
const LEAST_ROWS = 120;

after(endServers);

test("the matrix has rows for every driver, each once", () => {
  assert.ok(ROWS.length >= LEAST_ROWS, `${ROWS.length} rows`);
  const names = ROWS.map(nameOf);
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
  assert.deepEqual([...new Set(ROWS.map(({ driver }) => driver))].sort(), [
    "dynamodb",
    "memcached",
    "memory",
    "mongodb",
    "mysql",
    "postgres",
    "redis",
    "sqlite",
    "upstash",
  ]);
});

const part = ROWS.filter((row) => row.isPart);
for (const server of new Set(part.map((row) => row.server))) {
  await unlessMissing(server, "", async () => {
    await serverOf(server);
    for (const row of part.filter((one) => one.server === server && !("refused" in one))) {
      test(nameOf(row), async () => {
        const { result, failures } = await runRow(row, false);
        assert.deepEqual(failures, [], result);
      });
    }
  });
}
