import assert from "node:assert/strict";
import { createStore, type StorageCall } from "holdfast";
import { session } from "holdfast/fetch";
import { seed, testClock, type StorageCase } from "holdfast/testing";
import type { SqlStorage } from "holdfast/storage/postgres";
import type { ServerProcess } from "./services.js";

/** What the cases are given: a storage, and its database behind its back. */
export interface SqlUnderTest {
  readonly storage: SqlStorage;
  /** The text of every statement the client was given. */
  readonly sent: string[];
  /** Runs a statement, past the storage. */
  run(sql: string): Promise<unknown>;
  close?(): Promise<unknown> | void;
}

/** Opens a storage in a table, which is not made yet; may be called again for the same table. */
export type OpenSql = (table: string) => Promise<SqlUnderTest>;

/** The most rows that one statement removes: written here again, so that no change of it goes unnoticed. */
const SLICE = 500;

const MINUTE = 60_000;
const NOW = Date.UTC(2030, 0, 1);
const LONG_AGO = { value: "x", expiresAt: NOW - 5 * MINUTE };
const RECENT = { value: "x", expiresAt: NOW - 5 * MINUTE + 1 };
const LIVE = { value: "x", expiresAt: NOW + MINUTE };
const call = { now: NOW, signal: new AbortController().signal };

/** What holds for every SQL driver beyond the storage contract. */
export function sqlCases(open: OpenSql): readonly StorageCase[] {
  return Object.entries(CASES).map(([name, work]) => ({
    name,
    async run() {
      const opened: SqlUnderTest[] = [];
      const tables = new Set<string>();
      try {
        await work(async (table = `t_${crypto.randomUUID().replaceAll("-", "")}`) => {
          const one = await open(table);
          opened.push(one);
          tables.add(table);
          return { ...one, table };
        });
      } finally {
        for (const table of tables) await opened[0]!.run(`DROP TABLE IF EXISTS ${table}`).catch(() => {});
        for (const one of opened) await one.close?.();
      }
    },
  }));
}

type Opener = (table?: string) => Promise<SqlUnderTest & { table: string }>;

/** A storage whose table is there. */
async function ready(open: Opener): Promise<SqlUnderTest & { table: string }> {
  const one = await open();
  await one.storage.ensureSchema();
  return one;
}

const CASES: Readonly<Record<string, (open: Opener) => Promise<void>>> = {
  async "statements of a request: read 1, write 2, login 3, logout 2, unasked and lazy 0; none is a transaction"(
    open,
  ) {
    const { storage, sent } = await ready(open);
    sent.splice(0);
    const counts = await requests(storage, sent);
    assert.deepEqual(counts, { first: 1, read: 1, write: 2, login: 3, logout: 2, unasked: 0, lazy: 0 });
    assert.deepEqual(
      sent.filter((sql) => !/^(SELECT|INSERT|UPDATE|DELETE) /.test(sql)),
      [],
    );
  },

  async "before the table is made each call fails; after it each works, on the same storage"(open) {
    const { storage } = await open();
    await assert.rejects(storage.get("k", call));
    await assert.rejects(storage.create("k", LIVE, call));
    await assert.rejects(storage.sweep(call));
    await storage.ensureSchema();
    assert.equal(await storage.get("k", call), undefined);
    assert.ok(await storage.create("k", LIVE, call));
  },

  async "the printed schema, run by hand, is the one that ensureSchema finds"(open) {
    const { storage, run, sent } = await open();
    const printed = storage.schemaSql();
    assert.match(printed, /;\n$/);
    for (const sql of printed.split(";\n").slice(0, -1)) await run(sql);
    sent.splice(0);
    await storage.ensureSchema();
    assert.ok(sent.every((sql) => /^SELECT |^CREATE \w+ IF NOT EXISTS /.test(sql)));
    assert.ok(await storage.create("k", LIVE, call));
  },

  async "the schema is made by many at once, and made again while it is used"(open) {
    for (let round = 0; round < 6; round++) {
      const first = await open();
      const all = [first, ...(await Promise.all(Array.from({ length: 4 }, () => open(first.table))))];
      await Promise.all(all.map(({ storage }) => storage.ensureSchema()));
      assert.ok(await first.storage.create("k", LIVE, call));
      await Promise.all(all.map(({ storage }) => storage.ensureSchema()));
      for (const { storage } of all) assert.equal((await storage.get("k", call))?.value, "x");
    }
  },

  async "a table may be named like a word of SQL"(open) {
    const { storage, run } = await open("Select");
    await storage.ensureSchema();
    try {
      assert.ok(await storage.create("k", LIVE, call));
      assert.equal((await storage.get("k", call))?.value, "x");
    } finally {
      const quote = storage.schemaSql().includes("`") ? "`" : '"';
      await run(`DROP TABLE ${quote}Select${quote}`);
    }
  },

  async "sweep removes more than one slice, and spares what is live or expired only lately"(open) {
    const { storage, sent } = await ready(open);
    const old = SLICE + 20;
    await fill(storage, "old", old, LONG_AGO);
    await fill(storage, "recent", 5, RECENT);
    await fill(storage, "live", 5, LIVE);
    sent.splice(0);
    assert.equal(await storage.sweep(call), old);
    assert.equal(sent.length, 2);
    for (let i = 0; i < 5; i++) {
      assert.ok(await storage.get(`recent${i}`, call));
      assert.ok(await storage.get(`live${i}`, call));
    }
    assert.equal(await storage.get("old0", call), undefined);
    assert.equal(await storage.sweep(call), 0);
  },

  async "each statement of sweep removes one slice"(open) {
    await inSlices(open, (storage, call) => storage.sweep(call));
  },

  async "each statement of clear removes one slice"(open) {
    await inSlices(open, (storage, call) => storage.clear("old:", call));
  },

  async "sweeps that run at once count each row once, and disturb nobody who writes"(open) {
    const { storage, table } = await ready(open);
    const other = (await open(table)).storage;
    await fill(storage, "old", 2 * SLICE, LONG_AGO);
    await fill(storage, "live", 20, LIVE);
    const versions = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => (await storage.get(`live${i}`, call))!.version),
    );
    const [one, two, ...touched] = await Promise.all([
      storage.sweep(call),
      other.sweep(call),
      ...versions.map((version, i) => other.touch(`live${i}`, NOW + 2 * MINUTE, version, call)),
    ]);
    assert.equal(one + two + (await storage.sweep(call)), 2 * SLICE);
    assert.ok(touched.every((written) => written !== false));
  },

  async "clear removes more than one slice of its prefix, and nobody else's"(open) {
    const { storage, sent } = await ready(open);
    await fill(storage, "shop:", SLICE + 20, LIVE);
    const others = ["shop", "shop2:a", "Shop:a", "sho_:a", "shop;a", "xshop:a", "shop.a"];
    for (const key of others) await storage.create(key, LIVE, call);
    sent.splice(0);
    await storage.clear("shop:", call);
    assert.equal(sent.length, 2);
    assert.equal(await storage.get("shop:0", call), undefined);
    assert.equal(await storage.get(`shop:${SLICE + 19}`, call), undefined);
    for (const key of others) assert.ok(await storage.get(key, call), key);
  },

  async "a touch to the very same deadline counts as one"(open) {
    const { storage } = await ready(open);
    const written = await storage.create("k", LIVE, call);
    assert.ok(written);
    for (let i = 0; i < 3; i++)
      assert.deepEqual(await storage.touch("k", LIVE.expiresAt, written.version!, call), written);
  },
};

/** Stops each of two calls after its first statement, and has a whole sweep count what they left. */
async function inSlices(
  open: Opener,
  remove: (storage: SqlStorage, call: StorageCall) => Promise<unknown>,
): Promise<void> {
  const { storage, sent } = await ready(open);
  await fill(storage, "old:", 2 * SLICE + 20, LONG_AGO);
  sent.splice(0);
  for (const statements of [1, 2]) {
    const controller = new AbortController();
    const removing = remove(storage, { now: NOW, signal: controller.signal });
    controller.abort();
    await assert.rejects(
      removing,
      (error) => error === controller.signal.reason,
      "there is more to remove than one slice",
    );
    assert.equal(sent.length, statements);
  }
  assert.equal(await storage.sweep(call), 20);
}

/** What is no name of a table: it would end the name, or be another one. */
export const HOSTILE_NAMES: readonly unknown[] = [
  'a"; DROP TABLE users; --',
  "a` b",
  "a b",
  "a.b",
  "",
  "1a",
  "ä",
  "a-b",
  "a`b",
  "a'b",
  "a\0",
  "a\n",
  "x".repeat(49),
  'a"',
  "$1",
  "?",
  "{table}",
  7,
  null,
  {},
  ["a"],
];

/** Each is refused as the name of a table and of a schema, where the storage is made. */
export function assertNamesChecked(make: (options: { table?: string; schema?: string }) => unknown): void {
  for (const name of HOSTILE_NAMES as readonly string[]) {
    assert.throws(() => make({ table: name }), /^TypeError: holdfast: table is .*; write a name of letters/);
    assert.throws(() => make({ schema: name }), /^TypeError: holdfast: schema is .*; write a name of letters/);
  }
}

/** A server that is killed is an error, and once it is back the same storage reads what was written before. */
export async function assertServedAgain(storage: SqlStorage, server: ServerProcess): Promise<void> {
  await storage.ensureSchema();
  assert.ok(await storage.create("k", LIVE, call));
  await server.kill();
  await assert.rejects(async () => storage.get("k", call));
  await server.start();
  assert.equal((await storage.get("k", call))?.value, LIVE.value);
}

async function fill(
  storage: SqlStorage,
  prefix: string,
  count: number,
  entry: { value: string; expiresAt: number },
): Promise<void> {
  for (let at = 0; at < count; at += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, count - at) }, (_, i) => storage.create(`${prefix}${at + i}`, entry, call)),
    );
  }
}

/** Statements of each kind of request. */
async function requests(storage: SqlStorage, sent: string[]): Promise<Record<string, number>> {
  const clock = testClock();
  const sessions = session<{ n: number }>({ storage, clock });
  const lazy = session<{ n: number }>({ storage, clock, load: "lazy" });
  const store = createStore<{ n: number }>({ storage, clock });
  const counts: Record<string, number> = {};
  const request = async (
    name: string,
    work: (request: Request) => unknown,
    { headers, by = sessions }: { headers?: Record<string, string>; by?: typeof sessions } = {},
  ): Promise<void> => {
    const known = headers ?? (name === "first" || name === "unasked" ? {} : await seed(store, { n: 1 }));
    const before = sent.length;
    const answer = await by(async (asked) => {
      await work(asked);
      return new Response("ok");
    })(new Request("http://localhost/", { headers: known }));
    assert.equal(answer.status, 200);
    counts[name] = sent.length - before;
  };
  await request("first", (asked) => sessions.get(asked).set("n", 1));
  await request("read", (asked) => assert.equal(sessions.get(asked).get("n"), 1));
  await request("write", (asked) => sessions.get(asked).set("n", 2));
  await request("login", (asked) => sessions.get(asked).regenerate());
  await request("logout", (asked) => sessions.get(asked).destroy());
  await request("unasked", () => {});
  await request("lazy", () => {}, { by: lazy });
  return counts;
}
