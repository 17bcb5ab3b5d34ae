/** Packages of other people that have a client inside, or look like one: installed when they are asked for. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

interface Npm {
  fromNpm(packages: Readonly<Record<string, string>>, options: { peers?: boolean; scripts?: boolean }): string;
}

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;

/** Every one of these, by the name it is imported by; npm installs them together. */
const PACKAGES: Readonly<Record<string, string>> = {
  redis3: "npm:redis@3.1.2",
  redis4: "npm:redis@4.7.1",
  "redis4.6": "npm:redis@4.6.15",
  redis5: "npm:redis@5.9.0",
  ioredis4: "npm:ioredis@4.30.1",
  "ioredis5.3": "npm:ioredis@5.3.2",
  "iovalkey0.1": "npm:iovalkey@0.1.0",
  redis: "6.3.1",
  ioredis: "6.0.0",
  "pg8.11": "npm:pg@8.11.6",
  pg: "8.23.1",
  "pg-promise": "12.7.1",
  "postgres3.3": "npm:postgres@3.3.5",
  postgres: "3.4.9",
  "mysql2-3.6": "npm:mysql2@3.6.5",
  "mysql2-3.9": "npm:mysql2@3.9.9",
  mysql2: "3.24.6",
  mysql: "2.18.1",
  "mariadb3.2": "npm:mariadb@3.2.3",
  mariadb: "3.5.4",
  knex: "3.3.0",
  kysely: "0.29.9",
  "drizzle-orm": "0.45.4",
  typeorm: "1.1.1",
  "reflect-metadata": "0.2.2",
  sequelize: "6.37.8",
  "@prisma/adapter-pg": "7.10.1",
  "@prisma/adapter-libsql": "7.10.0",
  "@prisma/adapter-mariadb": "7.10.0",
  "@prisma/adapter-better-sqlite3": "7.10.0",
  "@electric-sql/pglite": "0.5.17",
  "@neondatabase/serverless": "1.2.0",
  "@libsql/client": "0.18.0",
  "libsql0.14": "npm:@libsql/client@0.14.0",
  "sql.js": "1.17.0",
  "upstash1.22": "npm:@upstash/redis@1.22.1",
  "upstash1.28": "npm:@upstash/redis@1.28.4",
  "upstash1.34": "npm:@upstash/redis@1.34.9",
  "@vercel/kv": "3.0.0",
  ws: "8.23.0",
  memjs: "1.3.2",
  memcached: "2.2.2",
};

const directory = fromNpm(PACKAGES, { peers: false });
const require = createRequire(join(directory, "_.js"));

/** A package, as CommonJS requires it; without types, as it may be any version. */
export function foreign(name: string): any {
  return require(name);
}

/** The same for what is written as modules. */
export async function foreignModule(name: string): Promise<any> {
  return import(pathToFileURL(require.resolve(name)).href);
}

/** The version of a package that was installed. */
export function foreignVersion(name: string): string {
  return (require(join(directory, "node_modules", name, "package.json")) as { version: string }).version;
}

const NATIVE = { pg: "8.23.1", "pg-native": "3.9.0" };
let native: any;

/**
 * `pg.native`, over libpq: compiled where it is first asked for, which needs a compiler and the headers of libpq
 * (Debian: g++ make libpq-dev).
 */
export function pgNative(): any {
  native ??= createRequire(join(fromNpm(NATIVE, { scripts: true }), "_.js"))("pg").native;
  if (!native) throw new Error("pg-native was not compiled: install g++, make and libpq-dev");
  return native;
}
