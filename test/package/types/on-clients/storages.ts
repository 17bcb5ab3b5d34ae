/** Clients of databases as their own types have them: handed in without a cast. */
import { PGlite } from "@electric-sql/pglite";
import { createClient as createLibsql } from "@libsql/client";
import { Redis } from "ioredis";
import { Redis as Valkey } from "iovalkey";
import * as mariadb from "mariadb";
import * as mysql2 from "mysql2";
import * as mysql2Promise from "mysql2/promise";
import pg from "pg";
import postgres from "postgres";
import { createClient, createClientPool } from "redis";
import type { Storage, StorageFinding } from "holdfast";
import { mysqlStorage, type SqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { check, type Same } from "../expect.js";

export const sql: readonly SqlStorage[] = [
  mysqlStorage(mariadb.createPool({ host: "localhost", database: "app" })),
  mysqlStorage(await mariadb.createConnection({ host: "localhost" }), { table: "sessions" }),
  mysqlStorage(mysql2.createPool("mysql://localhost/app")),
  mysqlStorage(mysql2Promise.createPool("mysql://localhost/app")),
  postgresStorage(await PGlite.create()),
  postgresStorage(new PGlite(), { schema: "web" }),
  postgresStorage(new pg.Pool()),
  postgresStorage(new pg.Client()),
  postgresStorage(postgres("postgres://localhost/app")),
  sqliteStorage(createLibsql({ url: "file:sessions.db" })),
];

export const others: readonly Storage[] = [
  redisStorage(createClient()),
  redisStorage(createClientPool()),
  redisStorage(new Redis()),
  redisStorage(new Valkey()),
];

const [storage] = sql;
storage!.startSweep({ every: "10m", onError: (error) => console.error(error) });
// @ts-expect-error no duration
storage!.startSweep({ every: "soon" });
const findings = await storage!.check({ now: Date.now(), signal: AbortSignal.timeout(1000) }, "web:");
check<Same<(typeof findings)[number], StorageFinding>>();
// @ts-expect-error a database is no pool
postgresStorage(createLibsql({ url: "file:sessions.db" }));
