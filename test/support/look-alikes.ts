/** What looks like a client and is none, by the driver it may be given to. */
import { memcachedStorage } from "holdfast/storage/memcached";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { foreign, foreignModule } from "./foreign-packages.js";

/** Makes something that is no client, and what ends it. */
export type Make = () => Promise<readonly [client: any, close?: () => unknown]>;

const DEAD = "127.0.0.1:1";
const ignore = (): void => {};

const pgPool = (): any => new (foreign("pg").Pool)({ connectionString: `postgres://a:b@${DEAD}/x` });
const mysqlPool = (): any => foreign("mysql2/promise").createPool({ host: "127.0.0.1", port: 1 });

/** By driver: each look-alike, and what the error must say. */
export const LOOK_ALIKES: Readonly<Record<string, Readonly<Record<string, readonly [says: RegExp, make: Make]>>>> = {
  redis: {
    "redis 3": [
      /a client of redis 3.*redis 4 or newer/,
      async () =>
        closing(
          foreign("redis3").createClient({ host: "127.0.0.1", port: 1, retry_strategy: ignore }).on("error", ignore),
          (client) => client.end(true),
        ),
    ],
    "multi() of redis 3": [
      /neither sendCommand.* nor call|a multi\(\) of redis/,
      async () => [foreign("redis3").Multi.prototype],
    ],
    "multi() of redis 4": [
      /a multi\(\) of redis.*the client itself/,
      async () => [foreign("redis4").createClient().multi()],
    ],
    "multi() of redis 6": [
      /a multi\(\) of redis.*the client itself/,
      async () => [foreign("redis").createClient().multi()],
    ],
    "legacy() of redis 5": [
      /client\.legacy\(\).*the client itself/,
      async () => [foreign("redis5").createClient().legacy()],
    ],
    "legacy() of redis 6": [
      /client\.legacy\(\).*the client itself/,
      async () => [foreign("redis").createClient().legacy()],
    ],
    "legacy mode of redis 4": [
      /legacy mode.*redisStorage\(client\.v4\)/,
      async () => [foreign("redis4").createClient({ legacyMode: true })],
    ],
    "a Promise of a client": [/a Promise.*await/, async () => [Promise.resolve(foreign("redis").createClient())]],
    "multi() of ioredis": [
      /a pipeline or a multi\(\) of ioredis.*the client itself/,
      async () => io((redis) => redis.multi()),
    ],
    "pipeline() of ioredis": [
      /a pipeline or a multi\(\) of ioredis.*the client itself/,
      async () => io((redis) => redis.pipeline()),
    ],
    "the class of ioredis": [/neither sendCommand.* nor call/, async () => [foreign("ioredis").Redis]],
    "the module of redis": [/neither sendCommand.* nor call/, async () => [foreign("redis")]],
    "an address": [/a string .*redisStorage\(createClient/, async () => ["redis://user:hunter2@localhost"]],
  },
  postgres: {
    "a database of Drizzle": [
      /Drizzle.*postgresStorage\(db\.\$client\)/,
      async () => [(await foreignModule("drizzle-orm/node-postgres")).drizzle(pgPool())],
    ],
    Kysely: [/Kysely.*the pool that its dialect was made with/, async () => [await kysely()]],
    Knex: [
      /Knex.*new pg\.Pool\(knex\.client\.connectionSettings\)/,
      async () =>
        closing(foreign("knex")({ client: "pg", connection: `postgres://${DEAD}/x` }), (knex) => knex.destroy()),
    ],
    "a DataSource of TypeORM": [
      /TypeORM.*postgresStorage\(dataSource\.driver\.master\)/,
      async () => [dataSource("postgres")],
    ],
    Sequelize: [
      /Sequelize.*new pg\.Pool/,
      async () =>
        closing(
          new (foreign("sequelize").Sequelize)(`postgres://a:b@${DEAD}/x`, {
            logging: false,
            dialectModule: foreign("pg"),
          }),
          (sequelize) => sequelize.close(),
        ),
    ],
    "a database of pg-promise": [
      /pg-promise.*postgresStorage\(db\.\$pool\)/,
      async () => [foreign("pg-promise")()(`postgres://a:b@${DEAD}/x`)],
    ],
    "a driver adapter of Prisma": [
      /driver adapter of Prisma.*the pg\.Pool/,
      async () => [new (foreign("@prisma/adapter-pg").PrismaPg)({ connectionString: `postgres://${DEAD}/x` })],
    ],
    "a PrismaClient": [
      /PrismaClient.*the pg\.Pool/,
      async () => [{ $connect: ignore, $transaction: ignore, query: ignore }],
    ],
    "the sql of a transaction": [
      /the sql of a transaction.*itself/,
      async () => [Object.assign(() => {}, { unsafe: ignore, savepoint: ignore })],
    ],
    "a reserved connection": [
      /a reserved connection.*itself/,
      async () => [Object.assign(() => {}, { unsafe: ignore, release: ignore })],
    ],
    "a sql with row transforms": [
      /a sql with transform\.row/,
      async () => [
        foreign("postgres")(`postgres://${DEAD}/x`, { transform: { row: { from: (row: unknown) => row } } }),
      ],
    ],
    "neon()": [
      /neon\(\).*Pool.* of @neondatabase\/serverless/,
      async () => [foreign("@neondatabase/serverless").neon("postgres://a:b@localhost/x")],
    ],
    "the module of pg": [/this has no query\(\)/, async () => [foreign("pg")]],
    "the class of a pool": [/this has no query\(\)/, async () => [foreign("pg").Pool]],
    "a Promise of a client": [/a Promise.*await/, async () => [Object.assign(Promise.resolve(), { query: ignore })]],
    "an address": [/is a string/, async () => ["postgres://a:hunter2@localhost/x"]],
  },
  mysql: {
    "a database of Drizzle": [
      /Drizzle.*mysqlStorage\(db\.\$client\)/,
      async () => [(await foreignModule("drizzle-orm/mysql2")).drizzle(mysqlPool())],
    ],
    "a PoolCluster": [/a PoolCluster.*createPool.*primary/, async () => [foreign("mysql2").createPoolCluster()]],
    "a PoolCluster with promises": [
      /a PoolCluster.*createPool.*primary/,
      async () => [foreign("mysql2/promise").createPoolCluster()],
    ],
    "a namespace of a PoolCluster": [
      /a namespace of a PoolCluster.*createPool/,
      async () => [foreign("mysql2").createPoolCluster().of("*")],
    ],
    "a namespace with promises": [
      /a namespace of a PoolCluster.*createPool/,
      async () => [foreign("mysql2/promise").createPoolCluster().of("*")],
    ],
    "a pool of mysql": [/a client of mysql;.*mysql2/, async () => [foreign("mysql").createPool({ port: 1 })]],
    "a connection of mysql": [
      /a client of mysql;.*mysql2/,
      async () => [foreign("mysql").createConnection({ port: 1 })],
    ],
    Knex: [
      /Knex.*createPool\(knex\.client\.connectionSettings\)/,
      async () => closing(foreign("knex")({ client: "mysql2", connection: { port: 1 } }), (knex) => knex.destroy()),
    ],
    "a DataSource of TypeORM": [
      /TypeORM.*mysqlStorage\(dataSource\.driver\.pool\)/,
      async () => [dataSource("mysql")],
    ],
    Sequelize: [
      /Sequelize.*createPool/,
      async () => [
        new (foreign("sequelize").Sequelize)(`mysql://a:b@${DEAD}/x`, {
          logging: false,
          dialectModule: foreign("mysql2"),
        }),
      ],
    ],
    "a driver adapter of Prisma": [
      /driver adapter of Prisma.*a pool/,
      async () => [new (foreign("@prisma/adapter-mariadb").PrismaMariaDb)({ host: "127.0.0.1", port: 1 })],
    ],
    Kysely: [/Kysely.*the pool/, async () => [await kysely()]],
    "a Promise of a connection": [
      /a Promise.*await/,
      async () => [Object.assign(Promise.resolve(), { execute: ignore })],
    ],
    "an address": [/is a string/, async () => ["mysql://a:hunter2@localhost/x"]],
  },
  sqlite: {
    "a database of Drizzle": [
      /Drizzle.*sqliteStorage\(db\.\$client\)/,
      async () => [(await foreignModule("drizzle-orm/libsql")).drizzle({ connection: { url: "file::memory:" } })],
    ],
    "a client of libsql 0.14": [
      /older @libsql\/client.*0\.15\.15 or newer/,
      async () => closing(foreign("libsql0.14").createClient({ url: "file::memory:" }), (client) => client.close()),
    ],
    "a transaction of libsql": [
      /a transaction of libsql.*the client itself/,
      async () => [await foreign("@libsql/client").createClient({ url: "file::memory:" }).transaction("read")],
    ],
    "a D1 database": [/D1/, async () => [{ prepare: ignore, batch: ignore, exec: ignore, dump: ignore }]],
    "a database of sqlite3": [
      /sqlite3 or sqlite.*better-sqlite3/,
      async () => [{ prepare: ignore, each: ignore, all: ignore, run: ignore }],
    ],
    "a driver adapter of Prisma": [
      /driver adapter of Prisma/,
      async () => [new (foreign("@prisma/adapter-libsql").PrismaLibSql)({ url: "file::memory:" })],
    ],
    "a driver adapter of Prisma for better-sqlite3": [
      /driver adapter of Prisma.*a separate database/,
      async () => [new (foreign("@prisma/adapter-better-sqlite3").PrismaBetterSqlite3)({ url: "file:a.db" })],
    ],
    Knex: [/Knex/, async () => [Object.assign(() => {}, { raw: ignore, schema: {}, client: {} })]],
    "a database of sql.js": [/sql\.js.*node:sqlite/, async () => [new (await foreign("sql.js")()).Database()]],
    "a file": [/is a string/, async () => ["sessions.db"]],
  },
  memcached: {
    memcached: [
      /a client of memcached or memjs.*MemcacheClient/,
      async () => closing(new (foreign("memcached"))(DEAD), (client) => client.end()),
    ],
    memjs: [
      /a client of memcached or memjs.*MemcacheClient/,
      async () => closing(foreign("memjs").Client.create(DEAD), (client) => client.close()),
    ],
    "an address": [/a string lacks/, async () => ["user:hunter2@localhost:11211"]],
  },
};

/** What makes a storage of a client, by driver. */
export const STORAGES: Readonly<Record<string, (client: any) => unknown>> = {
  redis: redisStorage,
  postgres: postgresStorage,
  mysql: mysqlStorage,
  sqlite: sqliteStorage,
  memcached: memcachedStorage,
};

async function closing<C>(client: C, close: (client: C) => unknown): Promise<readonly [C, () => unknown]> {
  return [client, () => close(client)];
}

async function io(pick: (redis: any) => unknown): Promise<readonly [unknown, () => unknown]> {
  const redis = new (foreign("ioredis").Redis)({ lazyConnect: true });
  return [pick(redis), () => redis.disconnect()];
}

async function kysely(): Promise<unknown> {
  const { Kysely, PostgresDialect } = await foreignModule("kysely");
  return new Kysely({ dialect: new PostgresDialect({ pool: pgPool() }) });
}

function dataSource(type: string): unknown {
  foreign("reflect-metadata");
  return new (foreign("typeorm").DataSource)({ type, url: `${type}://a:b@${DEAD}/x` });
}
