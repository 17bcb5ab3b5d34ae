import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { createStore, fromCustom } from "holdfast";
import * as connect from "holdfast/connect";
import * as express from "holdfast/express";
import * as fastify from "holdfast/fastify";
import * as fetching from "holdfast/fetch";
import * as hono from "holdfast/hono";
import * as koa from "holdfast/koa";
import * as node from "holdfast/node";
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
import { seed } from "holdfast/testing";

const KEY = randomBytes(32);

/** What people hand in by mistake, and what of it must be shown nowhere. */
const SECRETS: Readonly<Record<string, string>> = {
  "an address with a password": "redis://shop:hunter2@db.internal:6379/0",
  "a long address": `postgres://shop:${"hunter2".repeat(30)}@db.internal/app`,
  "a key in hex": KEY.toString("hex"),
  "a key in base64url": KEY.toString("base64url"),
  "a short password": "hunter2",
};

const storage = memoryStorage();
const io = { call: () => Promise.resolve(null) };
const memcached = { gets: async () => null, add: async () => null, cas: async () => null };
const sqlite = { prepare: () => ({ get: () => null, run: () => ({ changes: 0 }) }) };
const pool = { query: async () => ({ rows: [], rowCount: 0 }) };
const mysql = { execute: async (): Promise<[any, any]> => [[], []] };

/** Every place where a client, a key, a storage, options or a function belongs. */
const PLACES: Readonly<Record<string, (secret: any) => unknown>> = {
  "encrypted: keys": (secret) => encrypted(storage, secret),
  "encrypted: a key": (secret) => encrypted(storage, [`${secret}x`]),
  "encrypted: storage": (secret) => encrypted(secret, [KEY]),
  "observed: storage": (secret) => observed(secret, () => {}),
  "observed: listener": (secret) => observed(storage, secret),
  "redis: client": (secret) => redisStorage(secret),
  "redis: options": (secret) => redisStorage(io, secret),
  "postgres: client": (secret) => postgresStorage(secret),
  "postgres: options": (secret) => postgresStorage(pool, secret),
  "mysql: client": (secret) => mysqlStorage(secret),
  "mysql: options": (secret) => mysqlStorage(mysql, secret),
  "sqlite: database": (secret) => sqliteStorage(secret),
  "sqlite: options": (secret) => sqliteStorage(sqlite, secret),
  "memcached: client": (secret) => memcachedStorage(secret),
  "memcached: options": (secret) => memcachedStorage(memcached, secret),
  "dynamodb: client": (secret) => dynamodbStorage(secret),
  "mongodb: collection": (secret) => mongodbStorage(secret),
  "upstash: client": (secret) => upstashStorage(secret),
  "memory: options": (secret) => memoryStorage(secret),
  "createStore: options": (secret) => createStore(secret),
  storage: (secret) => createStore({ storage: secret }),
  keyGenerator: (secret) => createStore({ keyGenerator: secret }),
  types: (secret) => createStore({ types: { money: secret } }),
  clock: (secret) => createStore({ clock: secret }),
  onEvent: (secret) => createStore({ onEvent: secret }),
  fromCustom: (secret) => fromCustom(secret),
  ...Object.fromEntries(
    Object.entries({ connect, express, fastify, fetching, hono, koa, node }).flatMap(([name, { session }]) => [
      [`${name}: options`, (secret: any) => session(secret)],
      [`${name}: storage`, (secret: any) => session({ storage: secret })],
      [`${name}: store`, (secret: any) => session({ store: secret })],
      [`${name}: cookie`, (secret: any) => session({ cookie: secret })],
      [`${name}: skip`, (secret: any) => session({ skip: secret })],
      [`${name}: errorHandler`, (secret: any) => session({ errorHandler: secret })],
    ]),
  ),
  seed: (secret) => seed(secret),
  "storage of a request": async (secret) => {
    let failure: unknown;
    const sessions = fetching.session<{ n: number }>({
      storage: () => secret,
      errorHandler: (error) => ((failure = error), new Response()),
    });
    await sessions((request) => (sessions.get(request).set("n", 1), new Response()))(
      new Request("http://localhost/"),
    );
    throw failure;
  },
};

describe("a secret passed in the wrong place is refused, and never shown", () => {
  for (const [place, give] of Object.entries(PLACES)) {
    test(place, async () => {
      for (const [what, secret] of Object.entries(SECRETS)) {
        const error = await thrownBy(() => give(secret));
        assert.ok(error instanceof Error, `${what} is taken`);
        const shown = `${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`;
        for (const piece of pieces(secret)) assert.ok(!shown.includes(piece), `${what} is shown: ${shown}`);
      }
    });
  }
});

async function thrownBy(act: () => unknown): Promise<unknown> {
  try {
    await act();
  } catch (error) {
    return error;
  }
  return undefined;
}

/**
 * The secret in pieces of seven characters: not even a part of it may be shown. The words of an address that are no
 * secret may.
 */
function pieces(secret: string): string[] {
  const own = /:([^:@]+)@/.exec(secret)?.[1] ?? secret;
  return Array.from({ length: own.length - 6 }, (_, at) => own.slice(at, at + 7));
}
