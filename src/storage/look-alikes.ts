/**
 * Recognises objects that are passed as a client by mistake, because they have methods of the same names. The error
 * says what to pass instead.
 */

import { mistake } from "../errors.js";
import { isKvNamespace, KV } from "./cloudflare-bindings.js";

/** A kind of object that is easily confused with a client. */
export interface LookAlike {
  /** Its name, as its users call it. */
  readonly name: string;
  readonly matches: (client: any) => boolean;
  /** Returns what to pass instead; `storage` is the function that was called. */
  readonly write: (storage: string) => string;
}

/** Throws a TypeError if a client is one of these objects, or one that no driver accepts. */
export function refuseLookAlikes(storage: string, client: unknown, own: readonly LookAlike[] = []): void {
  if (client === null || (typeof client !== "object" && typeof client !== "function")) return;
  const found = [...EVERYWHERE, ...own].find(({ matches }) => matches(client));
  if (found) throw mistake("wrong-client", `${storage}: client is ${found.name}; write ${found.write(storage)}`);
}

/** True if the object has methods with these names. */
export function has(client: unknown, ...calls: readonly string[]): boolean {
  return calls.every((call) => typeof (client as Record<string, unknown> | null | undefined)?.[call] === "function");
}

/** True if the object is an instance of a class with this name, or of a subclass. */
export function isA(client: unknown, name: string): boolean {
  for (
    let prototype = client as object | null | undefined;
    prototype;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    if (Object.hasOwn(prototype, "constructor") && prototype.constructor.name === name) return true;
  }
  return false;
}

/** Advice to create a separate pool from the settings of a query builder's pool. */
const settingsOfPool =
  (from: string) =>
  (storage: string): string => {
    const make: Readonly<Record<string, string>> = {
      postgresStorage: `new pg.Pool(${from})`,
      mysqlStorage: `createPool(${from})`,
    };
    return `${storage}(${make[storage] ?? "a separate client"}), a separate pool: its own pool is not accessible`;
  };

/** Query builders and similar objects that contain a client. */
const EVERYWHERE: readonly LookAlike[] = [
  {
    name: "a request",
    matches: (client) => "headers" in client && "method" in client && "url" in client,
    write: (storage) => `storage: ${storage}(client); with storage: ${storage} it is called for each request`,
  },
  { name: KV.name, matches: isKvNamespace, write: () => KV.write },
  { name: "a Promise", matches: (client) => has(client, "then"), write: (storage) => `${storage}(await …)` },
  {
    name: "a database of Drizzle",
    matches: (client) => has(client, "select", "insert") && "session" in client && "dialect" in client,
    write: (storage) => `${storage}(db.$client)`,
  },
  {
    name: "an instance of Kysely",
    matches: (client) => has(client, "selectFrom", "insertInto"),
    write: (storage) => `${storage}(pool), the pool that its dialect was made with`,
  },
  {
    name: "an instance of Knex",
    matches: (client) => has(client, "raw", "schema") || (has(client, "raw") && "client" in client),
    write: settingsOfPool("knex.client.connectionSettings"),
  },
  {
    name: "a DataSource of TypeORM",
    matches: (client) => has(client, "createQueryRunner") && "driver" in client,
    write: dataSourceOf,
  },
  {
    name: "an instance of Sequelize",
    matches: (client) => "connectionManager" in client && has(client, "define"),
    write: settingsOfPool("{ … }"),
  },
  { name: "a PrismaClient", matches: (client) => has(client, "$connect", "$transaction"), write: adapterOf },
  {
    name: "a driver adapter of Prisma",
    matches: (client) => typeof client.adapterName === "string" && "provider" in client,
    write: adapterOf,
  },
  {
    name: "a database of pg-promise",
    matches: (client) => "$pool" in client && has(client, "any", "none"),
    write: (storage) => `${storage}(db.$pool)`,
  },
];

function dataSourceOf(storage: string): string {
  const inside: Readonly<Record<string, string>> = {
    postgresStorage: "dataSource.driver.master",
    mysqlStorage: "dataSource.driver.pool",
    sqliteStorage: "dataSource.driver.databaseConnection",
  };
  return `${storage}(${inside[storage] ?? "its client"}), once it is initialized`;
}

function adapterOf(storage: string): string {
  const made: Readonly<Record<string, string>> = {
    postgresStorage: "pool), the pg.Pool that new PrismaPg(pool) was made with",
    mysqlStorage: "pool), a pool of mysql2",
    sqliteStorage: "database), a separate database",
  };
  return `${storage}(${made[storage] ?? "client), a separate client"}`;
}
