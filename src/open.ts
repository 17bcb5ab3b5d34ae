/**
 * Opens the storage of a URL: for scripts, command lines and examples. An application passes its own client instead.
 *
 * @module
 */
import type { Storage, SweepOptions } from "./contracts/storage.js";
import { mistake, SessionError } from "./errors.js";
import { kindOf } from "./util/assert.js";
import { builtinModule, warn } from "./util/builtin.js";
import { dynamodbStorage } from "./storage/dynamodb.js";
import { memcachedStorage } from "./storage/memcached.js";
import { mongodbStorage } from "./storage/mongodb.js";
import { mysqlStorage } from "./storage/mysql.js";
import { postgresStorage } from "./storage/postgres.js";
import { redisStorage } from "./storage/redis.js";
import { sqliteStorage } from "./storage/sqlite.js";

/** A storage that is ready to use. */
export interface OpenedStorage {
  readonly storage: Storage;
  /** Name of the database product. */
  readonly name: string;
  /**
   * Closes the client that was created for the storage.
   *
   * @returns a promise that resolves when the client is closed
   */
  close(): Promise<unknown>;
}

/**
 * Opens the storage of a URL with the installed client: connects it, creates the table or index if it is missing, and
 * starts sweeping if the database does not remove expired entries itself.
 *
 * @param address - `redis://` `rediss://` `postgres://` `mysql://` `mariadb://` `mongodb://` `mongodb+srv://`
 *   `memcached://HOST:PORT` · `dynamodb://REGION/TABLE`, also with `?endpoint=URL` · `sqlite:FILE`
 * @returns the storage, the name of the database, and a function that closes the client
 * @throws {TypeError} if the URL is not supported
 * @throws {SessionError} `storage` if the client is not installed (with the name of the package) or the database
 *   cannot be reached; the message contains no password
 * @example
 * ```ts
 * const { storage, close } = await openStorage("postgres://shop@localhost/shop");
 * ```
 */
export async function openStorage(address: string): Promise<OpenedStorage> {
  if (typeof address !== "string")
    throw mistake("wrong-option", `openStorage: address is ${kindOf(address)}; write ${ADDRESSES}`);
  const open = OPENERS[/^[a-z+]+:/.exec(address)?.[0] ?? ""];
  if (!open) throw mistake("wrong-option", `openStorage: this is not the URL of a storage; write ${ADDRESSES}`);
  try {
    return await open(address);
  } catch (error) {
    throw new SessionError("storage", `${shown(address)}: ${withoutSecrets(reasonOf(error), address)}`);
  }
}

const ADDRESSES =
  "redis://HOST:PORT, postgres://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE, mongodb://HOST/DATABASE, " +
  "dynamodb://REGION/TABLE, memcached://HOST:PORT or sqlite:FILE";

const OPENERS: Readonly<Record<string, (address: string) => Promise<OpenedStorage>>> = {
  "redis:": openRedis,
  "rediss:": openRedis,
  "postgres:": openPostgres,
  "postgresql:": openPostgres,
  "mysql:": openMysql,
  "mariadb:": (address) => openMysql(address.replace("mariadb:", "mysql:")),
  "mongodb:": openMongodb,
  "mongodb+srv:": openMongodb,
  "dynamodb:": openDynamodb,
  "memcached:": openMemcached,
  "sqlite:": openSqlite,
};

/** Timeout of the first connection, in ms. */
const CONNECT_MS = 10_000;

/** How long MongoDB's client waits for a primary, with each command, in ms. */
const SELECT_MS = 5000;

/** Without a connection, the client fails immediately: no request waits, and no command is sent late. */
async function openRedis(url: string): Promise<OpenedStorage> {
  const { createClient } = await clientPackage("redis");
  let wasReady = false;
  const reconnectStrategy = (tries: number, cause: Error): number | Error =>
    wasReady ? Math.min(50 * 2 ** tries, 1000) : cause;
  const socket = { reconnectStrategy, connectTimeout: CONNECT_MS };
  const client = createClient({ url, disableOfflineQueue: true, socket });
  client.on("error", (error: unknown) => wasReady && tell("Redis", error));
  await client.connect();
  wasReady = true;
  const close = async (): Promise<unknown> => (client.isReady ? client.close() : client.destroy());
  return { storage: redisStorage(client), name: "Redis", close };
}

async function openPostgres(connectionString: string): Promise<OpenedStorage> {
  const { Pool } = await clientPackage("pg");
  const pool = new Pool({ connectionString, connectionTimeoutMillis: CONNECT_MS });
  pool.on("error", (error: unknown) => tell("PostgreSQL", error));
  return ready("PostgreSQL", postgresStorage(pool), () => pool.end());
}

async function openMysql(uri: string): Promise<OpenedStorage> {
  const { createPool } = await clientPackage("mysql2", "mysql2/promise");
  const pool = createPool({ uri, connectTimeout: CONNECT_MS });
  return ready("MySQL", mysqlStorage(pool), () => pool.end());
}

async function openMongodb(url: string): Promise<OpenedStorage> {
  const { MongoClient } = await clientPackage("mongodb");
  const client = new MongoClient(url, { serverSelectionTimeoutMS: SELECT_MS });
  const storage = mongodbStorage(client.db().collection("holdfast_sessions"));
  return ready("MongoDB", storage, () => client.close());
}

async function openDynamodb(address: string): Promise<OpenedStorage> {
  const [, region, table, query = ""] = /^dynamodb:\/\/([\w-]+)\/([\w.-]+)(\?.*)?$/.exec(address) ?? [];
  if (region === undefined || table === undefined) throw new TypeError("write dynamodb://REGION/TABLE");
  const endpoint = new URLSearchParams(query).get("endpoint");
  const { DynamoDB } = await clientPackage("@aws-sdk/client-dynamodb");
  const client = new DynamoDB(endpoint === null ? { region } : { region, endpoint });
  return ready("DynamoDB", dynamodbStorage(client, { table }), async () => client.destroy());
}

async function openMemcached(address: string): Promise<OpenedStorage> {
  const [, server] = /^memcached:\/\/([^/@?]+)\/?$/.exec(address) ?? [];
  if (server === undefined) throw new TypeError("write memcached://HOST:PORT");
  const { MemcacheClient } = await clientPackage("memcache-client");
  const client = new MemcacheClient({ server: server.includes(":") ? server : `${server}:11211` });
  const storage = memcachedStorage(client);
  const close = async (): Promise<unknown> => client.shutdown();
  try {
    await storage.get("holdfast:open", { now: Date.now(), signal: AbortSignal.timeout(CONNECT_MS) });
  } catch (error) {
    await close();
    throw error;
  }
  return { storage, name: "Memcached", close };
}

async function openSqlite(address: string): Promise<OpenedStorage> {
  const file = address.slice("sqlite:".length);
  if (file === "") throw new TypeError("write sqlite:FILE");
  const path = builtinModule<typeof import("node:path")>("node:path")?.resolve(file) ?? file;
  const builtin = builtinModule<NodeSqlite>("node:sqlite");
  if (builtin) {
    const database = new builtin.DatabaseSync(path);
    return ready("SQLite", sqliteStorage(database), async () => database.close());
  }
  const { createClient } = await clientPackage("@libsql/client");
  const { pathToFileURL } = builtinModule<typeof import("node:url")>("node:url")!;
  const client = createClient({ url: pathToFileURL(path).href });
  return ready("SQLite", sqliteStorage(client), async () => client.close());
}

/** The part of `node:sqlite` that is used; Node has it since version 22. */
interface NodeSqlite {
  readonly DatabaseSync: new (file: string) => Parameters<typeof sqliteStorage>[0] & { close(): void };
}

interface WithSchema extends Storage {
  ensureSchema(): PromiseLike<unknown>;
  startSweep?(options?: SweepOptions): void;
  close?(): void;
}

/** Creates the table and starts sweeping. */
async function ready(name: string, storage: WithSchema, end: () => Promise<unknown>): Promise<OpenedStorage> {
  try {
    await storage.ensureSchema();
  } catch (error) {
    await end();
    throw error;
  }
  storage.startSweep?.({ onError: (error) => tell(name, error) });
  const close = (): Promise<unknown> => {
    storage.close?.();
    return end();
  };
  return { storage, name, close };
}

/** Clients are not dependencies of the library: they are resolved from the library, and from the working directory. */
async function clientPackage(name: string, entry: string = name): Promise<any> {
  const modules = builtinModule<typeof import("node:module")>("node:module");
  for (const from of [import.meta.url, `${globalThis.process?.cwd() ?? ""}/_.js`]) {
    try {
      return modules!.createRequire(from)(entry);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  throw new Error(`its client is not installed; run: npm install ${name}`);
}

function isMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === "MODULE_NOT_FOUND";
}

function tell(name: string, error: unknown): void {
  warn(`holdfast: ${name}: ${reasonOf(error)}`);
}

/** Returns the URL without secrets. */
function shown(address: string): string {
  if (!/^[a-z+]+:\/\//.test(address)) return JSON.stringify(address);
  const { start, end } = userIn(address);
  const [plain] = (start < end ? `${address.slice(0, start)}…${address.slice(end)}` : address).split("?");
  return JSON.stringify(plain);
}

/** Range of user and password in a URL: from the first `//` to the last `@`. Empty if there are none. */
function userIn(address: string): { readonly start: number; readonly end: number } {
  const slashes = address.indexOf("//");
  const start = slashes + 2;
  return slashes < 0 ? { start: 0, end: 0 } : { start, end: Math.max(address.lastIndexOf("@"), start) };
}

/** Some clients repeat the URL, or a part of it, in their messages. */
function withoutSecrets(text: string, address: string): string {
  const { start, end } = userIn(address);
  const user = address.slice(start, end);
  const password = user.slice(user.indexOf(":") + 1);
  const secrets = [
    ...(address.includes("//") ? [address] : []),
    ...(user.includes(":") ? [user, password, decoded(password)] : []),
  ];
  return secrets.filter((secret) => secret !== "").reduce((left, secret) => left.replaceAll(secret, "…"), text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A failure to connect to a name with several addresses has no message itself. */
function reasonOf(error: unknown): string {
  const { message, errors } = Object(error) as { message?: string; errors?: unknown[] };
  return message || (errors?.length ? reasonOf(errors[0]) : String(error));
}
