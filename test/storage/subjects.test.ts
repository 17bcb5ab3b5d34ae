import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Storage } from "holdfast";
import { d1Storage, durableStorage } from "holdfast/storage/cloudflare";
import { denoKvStorage } from "holdfast/storage/deno-kv";
import { dynamodbStorage } from "holdfast/storage/dynamodb";
import { encrypted } from "holdfast/storage/encrypted";
import { memcachedStorage } from "holdfast/storage/memcached";
import { memoryStorage } from "holdfast/storage/memory";
import { mongodbStorage } from "holdfast/storage/mongodb";
import { mysqlStorage } from "holdfast/storage/mysql";
import { observed } from "holdfast/storage/observed";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { upstashStorage } from "holdfast/storage/upstash";
import { SUBJECTS } from "../support/storage-subjects.js";
import { DECORATORS } from "../support/storage-suites.js";

test("every storage is in the table of npm run storages", () => {
  const { exports } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    exports: Record<string, unknown>;
  };
  const storages = Object.keys(exports).flatMap((entry) =>
    entry.startsWith("./storage/") ? [entry.slice("./storage/".length)] : [],
  );
  assert.ok(storages.length >= 8);
  const shown = new Set([...SUBJECTS.map(({ driver }) => driver), ...Object.keys(DECORATORS)]);
  assert.deepEqual(
    storages.filter((name) => !shown.has(name)),
    [],
  );
});

/** A client that has every call, and does nothing. */
function clientWith(...calls: string[]): any {
  return Object.fromEntries(calls.map((call) => [call, async () => null]));
}

const MADE: Readonly<Record<string, () => Storage>> = {
  cloudflare: () => d1Storage(clientWith("prepare", "batch")),
  memory: () => memoryStorage(),
  redis: () => redisStorage(clientWith("call")),
  postgres: () => postgresStorage(clientWith("query")),
  mysql: () => mysqlStorage(clientWith("execute")),
  sqlite: () => sqliteStorage(clientWith("prepare")),
  memcached: () => memcachedStorage(clientWith("gets", "add", "cas", "cmd", "delete")),
  mongodb: () =>
    mongodbStorage(clientWith("findOne", "insertOne", "updateOne", "deleteOne", "deleteMany", "createIndex")),
  dynamodb: () => dynamodbStorage(clientWith("get", "put", "update", "delete", "scan")),
  upstash: () => upstashStorage(clientWith("set", "evalsha", "eval", "unlink", "scan")),
  "deno-kv": () => denoKvStorage(clientWith("get", "list", "atomic")),
  encrypted: () => encrypted(memoryStorage(), [crypto.getRandomValues(new Uint8Array(32))]),
  observed: () => observed(memoryStorage(), () => {}),
};

test("every storage can be checked", () => {
  assert.deepEqual(
    Object.keys(MADE).sort(),
    [...new Set([...SUBJECTS.map(({ driver }) => driver), ...Object.keys(DECORATORS)])]
      .filter((name) => name !== "plain")
      .sort(),
  );
  for (const [name, make] of Object.entries(MADE)) assert.equal(typeof make().check, "function", name);
  assert.equal(typeof durableStorage(clientWith("idFromName", "newUniqueId", "get")).check, "function");
});
