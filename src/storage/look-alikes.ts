/**
 * What is taken for a client and is none, since it has calls of the same names: recognised where the storage is made,
 * and told what to hand in
 * instead.
 */

/** One kind of object that looks like a client. */
export interface LookAlike {
  /** What it is, as its users call it. */
  readonly name: string;
  readonly matches: (client: any) => boolean;
  /** What to hand in instead; `storage` is the function that was called. */
  readonly write: (storage: string) => string;
}

/** Throws a TypeError where a client is one of these, or of what no driver takes. */
export function refuseLookAlikes(storage: string, client: unknown, own: readonly LookAlike[] = []): void {
  if (client === null || (typeof client !== "object" && typeof client !== "function")) return;
  const found = [...EVERYWHERE, ...own].find(({ matches }) => matches(client));
  if (found) throw new TypeError(`holdfast: ${storage}: client is ${found.name}; write ${found.write(storage)}`);
}

/** Whether something has methods of these names. */
export function has(client: unknown, ...calls: readonly string[]): boolean {
  return calls.every((call) => typeof (client as Record<string, unknown> | null | undefined)?.[call] === "function");
}

/** Whether something is an instance of a class of this name, which it may inherit from. */
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

/** What a pool of a query builder was made from. */
const settingsOfPool =
  (from: string) =>
  (storage: string): string => {
    const make: Readonly<Record<string, string>> = {
      postgresStorage: `new pg.Pool(${from})`,
      mysqlStorage: `createPool(${from})`,
    };
    return `${storage}(${make[storage] ?? "a client of its own"}), a pool beside it: it gives its own to nobody`;
  };

/** Query builders and the like, which have a client inside. */
const EVERYWHERE: readonly LookAlike[] = [
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
    sqliteStorage: "database), a database of its own",
  };
  return `${storage}(${made[storage] ?? "client), a client of its own"}`;
}
