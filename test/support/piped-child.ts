/**
 * `CLIENT URL OPTIONS`, run by Bun or Deno: a storage over one of its own clients. A call comes as a line of JSON, and
 * so does its result.
 */
import { createInterface } from "node:readline";
import type { Storage } from "holdfast";
import { denoKvStorage, type DenoKv } from "holdfast/storage/deno-kv";
import { mysqlStorage, type BunSqlClient } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage, type BunRedisClient } from "holdfast/storage/redis";
import { lineOf } from "./lines.js";
import type { PipedClient, RemoteCall } from "./piped.js";

const { Bun, Deno } = globalThis as unknown as {
  readonly Bun: {
    readonly RedisClient: new (url: string, options: object) => BunRedisClient;
    readonly SQL: new (url: string, options: object) => BunSqlClient;
  };
  readonly Deno: { openKv(file: string): Promise<DenoKv> };
};

const OPEN: Readonly<Record<PipedClient, (url: string, options: object) => Promise<Storage>>> = {
  async redis(url, options) {
    const client = new Bun.RedisClient(url, options);
    await client.connect();
    return redisStorage(client);
  },
  async postgres(url, options) {
    const storage = postgresStorage(new Bun.SQL(url, options));
    await storage.ensureSchema();
    return storage;
  },
  async mysql(url, options) {
    const storage = mysqlStorage(new Bun.SQL(url, options));
    await storage.ensureSchema();
    return storage;
  },
  "deno-kv": async (file) => denoKvStorage(await Deno.openKv(file)),
};

const [name, url, options] = process.argv.slice(2) as [PipedClient, string, string];
const storage = await OPEN[name](url, JSON.parse(options) as object);
tell({ id: 0, value: storage.maxValueBytes });
for await (const line of createInterface(process.stdin)) void serve(JSON.parse(line) as RemoteCall);
process.exit();

async function serve({ id, name, args, now, timeout }: RemoteCall): Promise<void> {
  const call = { now, signal: AbortSignal.timeout(timeout), timeout };
  const work = storage[name] as (...args: unknown[]) => unknown;
  try {
    tell({ id, value: await work.call(storage, ...args, call) });
  } catch (error) {
    const { message, code } = error as { message?: string; code?: string };
    tell({ id, error: message ?? String(error), code });
  }
}

function tell(what: object): void {
  console.log(lineOf(what));
}
