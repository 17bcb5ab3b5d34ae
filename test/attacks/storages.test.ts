import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import type { SessionEvent, SessionOptions, Storage, Store, StoredEntry } from "holdfast";
import { checksum } from "#dist/codecs/encoded-data.js";
import { randomToken } from "#dist/session/token.js";
import { watched, type WatchedStorage } from "../support/storages.js";
import { codeOf, World, type Client, type Data, type Live } from "../unit/world.js";
import { nasty } from "./nasty.js";
import { STORAGES, type OpenedStorage } from "./opened-storages.js";
import { incidents } from "../support/incidents.js";

/** Every driver, over its real server: what attackers, damage and other requests do to what is stored. */

const MINUTE = 60_000;
const opened = new Map<string, Promise<OpenedStorage>>();
after(async () => {
  for (const one of await Promise.allSettled(opened.values()))
    if (one.status === "fulfilled") await one.value.close();
});

/** A storage, and worlds over it that share nothing with those of other tests. */
interface Place {
  readonly own: OpenedStorage;
  readonly storage: WatchedStorage;
  readonly namespace: string;
  /** A server over it, whose clock stands still. */
  world(options?: SessionOptions): World;
  /** The same in real time, for requests that wait for each other; what is slow here is no failure. */
  real(options?: SessionOptions): World;
  /** What stands under the key of an id. */
  stored(id: string, namespace?: string): Promise<StoredEntry>;
  put(id: string, value: string): Promise<void>;
}

let namespaces = 0;

function onEveryStorage(name: string, play: (place: Place) => Promise<void>): void {
  test(name, async (t) => {
    for (const driver of Object.keys(STORAGES)) await t.test(driver, async (own) => played(own, driver, play));
  });
}

/** Where this machine lacks a server and must not install it, the test is skipped and says so. */
async function played(t: TestContext, driver: string, play: (place: Place) => Promise<void>): Promise<void> {
  try {
    opened.set(driver, opened.get(driver) ?? STORAGES[driver]!());
    await opened.get(driver);
  } catch (error) {
    if ((error as Error).name !== "MissingProgram" || process.env.CI) throw error;
    return t.skip((error as Error).message);
  }
  await play(placeOf((await opened.get(driver))!));
}

const call = (now: number) => ({ now, signal: new AbortController().signal });

function placeOf(own: OpenedStorage): Place {
  const namespace = `a${++namespaces}`;
  const storage = watched(own.storage);
  const keyOf = (id: string, of = namespace): string => `${of}:${id.slice(3)}`;
  const stored = async (id: string, of?: string): Promise<StoredEntry> => {
    const entry = await own.storage.get(keyOf(id, of), call(0));
    assert.ok(entry, "nothing is stored");
    return entry;
  };
  return {
    own,
    storage,
    namespace,
    world: (options) => new World({ storage, namespace, ...options }),
    real: (options) =>
      new World({ storage, namespace, clock: undefined!, storageTimeout: "60s", commitTimeout: "60s", ...options }),
    stored,
    async put(id, value) {
      const { version, expiresAt } = await stored(id);
      assert.ok(await own.storage.update(keyOf(id), { value, expiresAt }, version, call(expiresAt - MINUTE)));
    },
  };
}

async function visitor(world: World, data: Data = { n: 1 }): Promise<Client> {
  const client = world.client();
  const { error } = await client.ask((session) =>
    Object.entries(data).forEach(([key, value]) => session.set(key, value)),
  );
  assert.equal(error, undefined);
  return client;
}

const opens = async (store: Store<Data>, token: string): Promise<boolean> =>
  (await store.getByToken(token)) !== undefined;
const keysOf = async (client: Client, cookie?: string): Promise<string[]> =>
  (await client.ask((session) => void session.keys(), cookie ? { cookie } : {})).session!.keys();

/** A request that is open and goes on when it is told to. */
async function begun(client: Client): Promise<{ session: Live; end(): Promise<readonly string[]> }> {
  const requestSession = client.world.requestSession({ cookie: `session_id=${client.token}` });
  const session = (await requestSession.open()) as Live;
  return {
    session,
    async end() {
      await requestSession.commit();
      const lines: string[] = [];
      requestSession.writeHeaders({
        names: () => [],
        get: () => undefined,
        set: () => {},
        cookies: () => lines,
        setCookies: (all) => void lines.splice(0, lines.length, ...all),
      });
      await requestSession.finish();
      return lines;
    },
  };
}

onEveryStorage(
  "attack 10: a token is never resurrected, after destroy nor after expiry, swept or not",
  async ({ world }) => {
    for (const end of [
      (client: Client) => client.ask((session) => session.destroy()),
      async (client: Client) => client.world.clock.advance("31m"),
    ]) {
      const one = world();
      const client = await visitor(one);
      const { token } = client;
      await end(client);
      client.jar.set("session_id", token!);
      await client.ask((session) => session.set("n", 2));
      assert.notEqual(client.token, token);
      assert.equal(await opens(one.store, token!), false);
      assert.equal(await opens(one.store, client.token!), true);
    }
  },
);

for (const [attack, what] of [
  [23, "paths"],
  [24, "wildcards and hash tags"],
  [25, "SQL"],
] as const) {
  onEveryStorage(
    `attack ${attack}: ${what} as a token never reach the storage, as a value they come back as they were`,
    async ({ world, storage }) => {
      const { store } = world();
      const { token } = await store.create({ n: 1 });
      storage.forget();
      const texts = nasty(attack, token).filter((text) => text !== token);
      for (const text of texts) assert.equal(await store.getByToken(text), undefined, text);
      assert.deepEqual(storage.calls, []);
      const data = Object.fromEntries(texts.map((text, i) => [text, [text, i]]));
      const kept = await store.create(data);
      assert.deepEqual((await store.getByToken(kept.token))!.toJSON(), data);
      assert.equal((await store.getByToken(token))!.get("n"), 1, "nothing else was touched");
    },
  );
}

onEveryStorage(
  "attack 24: clear() of one namespace spares those that a pattern would take for it",
  async ({ own, world }) => {
    if (!own.storage.clear) return;
    const names = ["a_b", "axb", "a.b", "a-b", "A_B", "a_bc", "xa_b", "a"];
    const stores = names.map((namespace) => world({ namespace }).store);
    const tokens = await Promise.all(stores.map(async (store) => (await store.create({ n: 1 })).token));
    for (const i of [0, 2]) {
      await stores[i]!.clear();
      for (const [j, token] of tokens.entries())
        assert.equal(
          await opens(stores[j]!, token),
          !(j === 0 || (i === 2 && j === 2)),
          `${names[j]} after clear() of ${names[i]}`,
        );
    }
    await Promise.all(stores.map((store) => store.clear()));
  },
);

onEveryStorage(
  "attack 27: a key is a namespace and a hash, whatever the token: short, and of letters that every database takes",
  async ({ world, storage }) => {
    const longest = "n.-_".repeat(16);
    for (const token of ["~".repeat(16), "z".repeat(256), `${"..-_~".repeat(50)}end`]) {
      const { store } = world({ namespace: longest, keyGenerator: () => token });
      const { id } = await store.create({ n: token.length });
      assert.equal((await store.getByToken(token))!.get("n"), token.length);
      assert.equal(await store.edit(id, (session) => session.set("n", 1)), true);
      assert.equal(await store.delete(id), true);
    }
    for (const { key } of storage.calls) assert.match(key, /^[\w.-]{64}:[\w-]{43}$/);
  },
);

const NASTY_KEYS = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "then",
  "id",
  "save",
  "toJSON",
  "a.b",
  "a[0]",
  "",
  " ",
  "\u0000",
  "a\nb",
  "\r\n",
  '"',
  "\\",
  "😀",
  "\u2028",
  "$",
  "'; --",
  "%",
  "*",
];
const NASTY_VALUES = [
  { __proto__: null, admin: true },
  "_$$ND_FUNC$$_function(){throw 1}()",
  { $type: "Date", $value: 0 },
  { $: "date", v: 1 },
  [["Date", 0]],
  { json: 1, meta: {} },
  "\u0000\r\n\u2028😀",
  "1:abc\n{}",
];

onEveryStorage(
  "attacks 59, 62: keys and values that other serialisers trip over come back as they were, and pollute nothing",
  async ({ world }) => {
    const { store } = world();
    const { token, id } = await store.create({ n: 1 });
    await store.edit(id, (session) => {
      for (const key of NASTY_KEYS) session.set(key, NASTY_VALUES);
    });
    const back = (await store.getByToken(token))!;
    assert.deepEqual(back.keys(), ["n", ...NASTY_KEYS]);
    for (const key of NASTY_KEYS)
      assert.deepEqual(JSON.parse(JSON.stringify(back.get(key))), JSON.parse(JSON.stringify(NASTY_VALUES)), key);
    assert.equal(({} as { admin?: unknown }).admin, undefined);
  },
);

onEveryStorage(
  "attack 63: values that cannot be stored are refused before any write and the record is unchanged; every other kind is returned as written",
  async ({ world, storage }) => {
    const { store } = world();
    const kinds = {
      date: new Date(5),
      map: new Map([[1, new Set(["a"])]]),
      big: 12345678901234567890n,
      bytes: new Uint8Array([0, 255]),
      url: new URL("https://a.example/?b#c"),
      infinite: -Infinity,
      not: Number.NaN,
      zero: -0,
      none: undefined,
      nothing: null,
    };
    const { id, token } = await store.create(kinds);
    storage.forget();
    const cyclic: Data = {};
    cyclic["self"] = cyclic;
    for (const bad of [
      cyclic,
      () => {},
      Symbol("x"),
      new (class A {})(),
      "x".repeat(100_000),
      Object.assign([], { length: 1e8 }),
    ]) {
      assert.match(
        (await codeOf(() => store.edit(id, (session) => session.set("bad", bad))))!,
        /^(unserializable|too-large)$/,
      );
    }
    assert.deepEqual(new Set(storage.calls.map(({ name }) => name)), new Set(["get"]));
    assert.deepEqual((await store.getByToken(token))!.toJSON(), kinds);
  },
);

onEveryStorage(
  "attack 66: what one request changes in place is no other's, nor the storage's, until it is saved",
  async ({ world }) => {
    const client = await visitor(world(), { cart: { items: [1] } });
    const [one, two] = [await begun(client), await begun(client)];
    one.session.get("cart").items.push(2);
    assert.deepEqual(two.session.get("cart").items, [1]);
    assert.deepEqual((await client.ask()).session!.get("cart").items, [1]);
    await one.end();
    assert.deepEqual((await client.ask()).session!.get("cart").items, [1, 2]);
  },
);

const FOREIGN = [
  "",
  "null",
  "garbage",
  "{}",
  "<html>502 Bad Gateway</html>",
  '{"cookie":{},"user":"admin"}',
  "1:zzzz\n{}",
  "\u001f\ufffd\b\u0000gzip",
  "\u0000".repeat(300),
  "[object Object]",
  "1:",
  ":",
  "\n\n\n",
];

onEveryStorage(
  "attack 67: damaged or foreign data in place of a record: no session, one event, no partial data; a write starts a new session",
  async ({ world, stored, put }) => {
    const one = world();
    const { id, token } = await one.store.create({ n: 1, user: "ann" });
    const { value } = await stored(id);
    const damaged = [
      ...FOREIGN,
      value.slice(0, -1),
      value.slice(1),
      value.slice(0, value.length / 2),
      `${value}x`,
      value.replace("ann", "eve"),
      value.replace('"n"', '"m"'),
      value.replaceAll("\n", "\r\n"),
    ];
    for (const text of damaged) {
      await put(id, text);
      const client = one.client();
      const cookie = `session_id=${token}`;
      assert.deepEqual(await keysOf(client, cookie), [], text);
      assert.deepEqual(one.happened(), ["unreadable"], text);
      await client.ask((session) => session.set("n", 2), { cookie });
      assert.notEqual(client.token, token);
      one.happened();
    }
    await put(id, value);
    assert.equal((await one.store.getByToken(token))!.get("user"), "ann");
  },
);

onEveryStorage(
  "attack 65: a record with wrong metadata is no session and one event; one of a newer format is left alone",
  async ({ world, stored, put, namespace }) => {
    const one = world();
    const { id, token } = await one.store.create({ n: 1 });
    const head = { k: id.slice(3), n: namespace, c: one.clock.now(), w: "" };
    const record = (own: object, format = "1"): string =>
      ((body) => `${format}:${checksum(format, body)}\n${body}`)(`${JSON.stringify(own)}\n"n"\n2`);
    for (const wrong of [
      { ...head, c: "soon" },
      { ...head, c: undefined },
      { ...head, w: 5 },
      { ...head, x: "never" },
      { ...head, i: {} },
      { ...head, o: [] },
      { ...head, k: undefined },
      {},
      [],
      null,
    ]) {
      await put(id, record(wrong as object));
      assert.deepEqual(
        [await opens(one.store, token), one.happened()],
        [false, ["unreadable"]],
        JSON.stringify(wrong),
      );
    }
    await put(id, record({ ...head, extra: { __proto__: 1 } }));
    assert.equal((await one.store.getByToken(token))!.get("n"), 2, "what a later version adds is borne");
    const newer = record(head, "7");
    await put(id, newer);
    const { cookies, error } = await one
      .client()
      .ask((session) => session.set("n", 9), { cookie: `session_id=${token}` });
    assert.deepEqual([cookies, error, (await stored(id)).value === newer], [[], undefined, true]);
  },
);

onEveryStorage(
  "attacks 68, 76: a record under another key, by a copy or by a storage that mixes them up, is no session and an event",
  async ({ own, world, stored, put, namespace }) => {
    const one = world();
    const [mine, theirs] = [await one.store.create({ who: "mine" }), await one.store.create({ who: "theirs" })];
    const mixed = world({
      storage: {
        ...bound(own.storage),
        get: (_key, asked) => own.storage.get(`${namespace}:${theirs.id.slice(3)}`, asked),
      },
    });
    assert.deepEqual(await keysOf(mixed.client(), `session_id=${mine.token}`), []);
    assert.deepEqual(mixed.happened(), ["unreadable"]);
    await put(mine.id, (await stored(theirs.id)).value);
    assert.deepEqual(await keysOf(one.client(), `session_id=${mine.token}`), []);
    assert.deepEqual(one.happened(), ["unreadable"]);
  },
);

const bound = (storage: Storage): Storage => ({
  get: storage.get.bind(storage),
  create: storage.create.bind(storage),
  update: storage.update.bind(storage),
  touch: storage.touch.bind(storage),
  delete: storage.delete.bind(storage),
});

onEveryStorage(
  "attack 69: two applications over one storage with the same cookie name do not accept each other's sessions, copied or not",
  async ({ own, world, stored }) => {
    const [shop, blog] = [world({ namespace: "shop69" }), world({ namespace: "blog69" })];
    const client = await visitor(shop);
    const { id } = (await client.ask()).session!;
    assert.deepEqual(await keysOf(blog.client(), `session_id=${client.token}`), []);
    const { value, expiresAt } = await stored(id, "shop69");
    await own.storage.create(`blog69:${id.slice(3)}`, { value, expiresAt }, call(shop.clock.now()));
    assert.deepEqual(await keysOf(blog.client(), `session_id=${client.token}`), []);
    assert.deepEqual(await keysOf(client), ["n"]);
  },
);

onEveryStorage(
  "attack 74: a record that the storage evicts, before a request or during it: a visitor without a session, and it stays evicted",
  async ({ own, world, stored, namespace }) => {
    const one = world();
    const client = await visitor(one);
    const { token } = client;
    const { id } = (await client.ask()).session!;
    const { cookies, error } = await client.ask(async (session) => {
      session.set("n", 2);
      assert.equal(
        await own.storage.delete(`${namespace}:${id.slice(3)}`, (await stored(id)).version, call(one.clock.now())),
        true,
      );
    });
    assert.deepEqual([cookies, error, await opens(one.store, token!)], [[], undefined, false]);
    await client.ask((session) => session.set("n", 3));
    assert.notEqual(client.token, token);
  },
);

onEveryStorage(
  "attack 78: large sweeps, two concurrent ones and an interrupted one, with different clocks, remove no live entry",
  async ({ own, world }) => {
    const [behind, ahead] = [world(), world()];
    ahead.clock.set(behind.clock.now() + 4 * MINUTE);
    const [old, live] = [
      await Promise.all(Array.from({ length: 300 }, () => behind.store.create({ n: 1 }))),
      await Promise.all(Array.from({ length: 20 }, () => behind.store.create({ n: 1 }, { idleTimeout: "24h" }))),
    ];
    for (const one of [behind, ahead]) one.clock.advance(36 * MINUTE);
    const cut = new AbortController();
    const sweeps = [behind, ahead, ahead].map(({ clock }, i) =>
      own.storage.sweep?.({ now: clock.now(), signal: i === 2 ? cut.signal : call(0).signal }),
    );
    cut.abort();
    await Promise.allSettled(sweeps.map(async (sweep) => sweep));
    await own.storage.sweep?.(call(ahead.clock.now()));
    for (const { token } of live) assert.equal(await opens(behind.store, token), true);
    for (const { token } of old.slice(0, 30)) assert.equal(await opens(behind.store, token), false);
  },
);

onEveryStorage(
  "attack 80: servers five minutes apart, with clocks that differ from the database's: no live session is lost, none is live after its deadline by the server's clock",
  async ({ world }) => {
    const [early, late] = [world({ idleTimeout: "10m" }), world({ idleTimeout: "10m" })];
    early.clock.set(Date.now() - 2.5 * MINUTE);
    late.clock.set(early.clock.now() + 5 * MINUTE);
    const [atEarly, atLate] = [early.client(), late.client()];
    await atLate.ask((session) => session.set("n", 0));
    for (let minute = 0; minute < 40; minute += 4) {
      for (const one of [early, late]) one.clock.advance("4m");
      atEarly.jar.set("session_id", atLate.token!);
      const turn = minute % 8 === 0 ? atLate : atEarly;
      const { error, session } = await turn.ask((own) => own.update("n", (n) => n + 1));
      assert.deepEqual([error, session!.get("n")], [undefined, minute / 4 + 1], `after ${minute} minutes`);
    }
    const { idleExpiresAt } = (await atLate.ask()).session!;
    for (const { clock, store } of [early, late]) {
      clock.set(idleExpiresAt - 1);
      assert.equal(await opens(store, atLate.token!), true);
      clock.set(idleExpiresAt);
      assert.equal(await opens(store, atLate.token!), false);
    }
  },
);

onEveryStorage(
  "attacks 82, 83: at its deadline a session has expired, a millisecond before it is live; an expired one is not revived by read, write, save or a late refresh",
  async ({ world, storage }) => {
    const one = world({ idleTimeout: "10m", refreshInterval: 0 });
    const client = await visitor(one);
    const { id, idleExpiresAt } = (await client.ask()).session!;
    const late = await begun(client);
    one.clock.set(idleExpiresAt - 1);
    assert.equal(await opens(one.store, client.token!), true);
    one.clock.set(idleExpiresAt);
    assert.equal(await opens(one.store, client.token!), false);
    assert.deepEqual(await late.end(), [], "a refresh that comes with the expiry moves nothing");
    for (const use of [() => {}, (session: Live) => session.set("n", 2), (session: Live) => session.save()]) {
      const { cookies } = await one.client().ask(use, { cookie: `session_id=${client.token}` });
      assert.ok(cookies.every((line) => !line.includes(client.token!)));
      assert.equal(await opens(one.store, client.token!), false);
    }
    const touches = storage.calls.filter(({ name, key }) => name === "touch" && key.endsWith(id.slice(3)));
    assert.equal(touches.length, 1, "only the refresh before the deadline");
  },
);

onEveryStorage(
  "attack 85: logout while slow requests save later, for every way of writing: the session stays destroyed",
  async ({ real }) => {
    const one = real({ refreshInterval: 0 });
    const writes: ((session: Live) => unknown)[] = [
      (s) => s.set("n", 9),
      (s) => s.update("n", (n) => n + 1),
      (s) => s.delete("n"),
      (s) => s.setIdleTimeout("7d"),
      () => {},
    ];
    const client = await visitor(one);
    const token = client.token!;
    const slow = await Promise.all(writes.map(() => begun(client)));
    await client.ask((session) => session.destroy());
    for (const [i, { session }] of slow.entries()) await writes[i]!(session);
    const lines = await Promise.all(slow.map(({ end }) => end()));
    assert.deepEqual([lines.flat(), await opens(one.store, token)], [[], false]);
  },
);

onEveryStorage(
  "attack 87: a renewal concurrent with requests that read, write and refresh: the old token is invalid, their writes are dropped, no cookie",
  async ({ real }) => {
    const one = real({ refreshInterval: 0 });
    const client = await visitor(one, { n: 0 });
    const old = client.token!;
    const beside = [await begun(client), await begun(client), await begun(client)];
    await client.ask(async (session) => {
      await session.regenerate();
      session.set("user", 1);
    });
    beside[0]!.session.get("n");
    beside[1]!.session.set("n", 9);
    const lines = await Promise.all(beside.map(({ end }) => end()));
    assert.deepEqual([lines.flat(), await opens(one.store, old)], [[], false]);
    assert.deepEqual((await client.ask()).session!.toJSON(), { n: 0, user: 1 });
  },
);

onEveryStorage(
  "attacks 88, 89: ten concurrent logins of one session: one successor with one subject, the others fail with `ended` and get no cookie",
  async ({ real }) => {
    const one = real();
    const client = await visitor(one);
    const logins = await Promise.all(Array.from({ length: 10 }, () => begun(client)));
    for (const [i, { session }] of logins.entries()) {
      await session.regenerate();
      session.set("user", i);
    }
    const results = await Promise.all(
      logins.map(({ end }) =>
        end().then(
          (lines) => lines.length,
          (error: { code: string }) => error.code,
        ),
      ),
    );
    const winner = results.indexOf(1);
    assert.deepEqual(
      results.filter((_, i) => i !== winner),
      Array.from({ length: 9 }, () => "ended"),
    );
    const living = await Promise.all(
      logins.map(async ({ session }) => (await one.store.getByToken(session.token))?.get("user")),
    );
    assert.deepEqual(
      living,
      logins.map((_, i) => (i === winner ? i : undefined)),
    );
    assert.equal(await opens(one.store, client.token!), false);
  },
);

onEveryStorage(
  "attacks 90, 91: concurrent requests that write different keys, count, and take a flash message: all is kept, counted, and taken once",
  async ({ real }) => {
    const one = real();
    const client = await visitor(one, { n: 0 });
    const requests = await Promise.all(Array.from({ length: 15 }, () => begun(client)));
    for (const [i, { session }] of requests.entries()) {
      session.set(`k${i}`, i);
      session.update("n", (n) => n + 1);
      session.update("taker", (taker) => taker ?? i);
    }
    await Promise.all(requests.map(({ end }) => end()));
    const { session } = await client.ask();
    assert.equal(session!.get("n"), 15);
    assert.equal(session!.keys().length, 17);
    assert.deepEqual(
      requests.flatMap((request, i) => (request.session.get("taker") === i ? [i] : [])),
      [session!.get("taker")],
    );
  },
);

const HOSTILE: readonly unknown[] = [
  "",
  "*",
  "a:*",
  "%",
  "_",
  "A".repeat(42),
  "A".repeat(44),
  "\u0000".repeat(43),
  "é".repeat(43),
  "a".repeat(1_000_000),
  null,
  undefined,
  5,
  {},
  [],
  { $ne: null },
  { toString: () => "A".repeat(43) },
];

onEveryStorage(
  "attack 102: a hostile string used as a token finds nothing, and makes no storage call",
  async ({ world, storage }) => {
    const { store } = world();
    for (const hostile of HOSTILE) assert.equal(await store.getByToken(hostile as string), undefined);
    assert.deepEqual(storage.calls, []);
  },
);

onEveryStorage("attack 104: nothing that the database holds, or was sent, opens a session", async ({ own, real }) => {
  const one = real();
  const tokens = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const client = await visitor(one);
    tokens.add(client.token!);
    await client.ask((session) => session.regenerate());
    tokens.add(client.token!);
  }
  const words = new Set(
    (await own.seen()).match(/[\w-]{43,}/g)?.flatMap((word) => [word.slice(0, 43), word.slice(-43)]),
  );
  assert.ok(words.size >= 6 || own.storage.clear === undefined);
  for (const word of words) {
    assert.ok(!tokens.has(word));
    assert.equal(randomToken.fits(word) && (await opens(one.store, word)), false);
  }
});

onEveryStorage(
  "attack 109: a session that exceeds the limit is refused and the last stored one is unchanged, also if the storage has a lower limit",
  async ({ world, own }) => {
    const one = world({ maxRecordBytes: 50_000_000, storage: own.storage });
    const cap = Math.min(own.storage.maxValueBytes ?? Infinity, 50_000_000);
    const client = await visitor(one, { n: 1 });
    if (cap < 10_000_000)
      assert.equal((await client.ask((session) => session.set("big", "x".repeat(cap)))).error?.code, "too-large");
    const small = world({ maxRecordBytes: 2000 });
    const { error } = await small.client().ask(
      (session) => {
        for (let i = 0; i < 100; i++) session.set(`k${i}`, "x".repeat(100));
      },
      { cookie: `session_id=${client.token}` },
    );
    assert.equal(error?.code, "too-large");
    assert.deepEqual((await client.ask()).session!.toJSON(), { n: 1 });
  },
);

onEveryStorage(
  "attack 99: no token is in what the storage is given, sends to its server, keeps, logs, or in events, through a whole life",
  async ({ own, real, storage }) => {
    const events: SessionEvent[] = [];
    const one = real({
      onEvent: incidents((event) => void events.push(event)),
      absoluteTimeout: "24h",
      refreshInterval: 0,
    });
    const tokens = new Set<string>();
    const shown: string[] = [];
    const client = one.client();
    const asked = async (act: (session: Live) => unknown, cookie?: string): Promise<void> => {
      const answered = await client.ask(
        async (session) => {
          tokens.add(session.token);
          await act(session);
          tokens.add(session.token);
          shown.push(JSON.stringify(session), `${session}`);
        },
        cookie === undefined ? {} : { cookie },
      );
      if (client.token) tokens.add(client.token);
      assert.ok(!answered.error || answered.error.name === "SessionError", String(answered.error));
      if (answered.error)
        shown.push(String(answered.error.stack), JSON.stringify(answered.error), String(answered.error.cause));
    };
    await asked((session) => session.set("n", 1));
    await asked((session) => session.set("n", 2));
    const old = client.token!;
    await asked((session) => session.regenerate());
    await asked((session) => void session.get("n"), `session_id=${old}; session_id=${client.token}`);
    for (const name of ["get", "create", "update"] as const) {
      storage.fail(name);
      await asked(async (session) => (session.set("n", 3), session.regenerate()));
      storage.heal();
    }
    await one.store.edit((await one.store.getByToken(client.token!))!.id, (session) => session.set("job", 1));
    await asked((session) => session.reset());
    await asked((session) => (session.set("n", 1), session.save()));
    await one.store.delete((await one.store.getByToken(client.token!))!.id);
    await asked((session) => session.set("n", 2));
    await asked((session) => session.destroy());
    const all = [await own.seen(), JSON.stringify([storage.calls, events]), ...shown].join("\n");
    assert.ok(tokens.size >= 5 && all.length > 1000);
    assert.ok([...tokens].every((token) => token.length === 43));
    for (const token of tokens) assert.ok(!all.includes(token), "a token was seen");
    assert.ok(all.includes(storage.calls[0]!.key), "what was sent is seen at all");
  },
);

onEveryStorage(
  "attack 75: nothing is remembered between requests: what another server ended or wrote is so at the very next request",
  async ({ world }) => {
    const [here, there] = [world(), world()];
    const client = await visitor(here);
    const { id } = (await client.ask()).session!;
    for (let n = 2; n < 5; n++) {
      await there.store.edit(id, (session) => session.set("n", n));
      assert.equal((await client.ask()).session!.get("n"), n);
    }
    await there.store.delete(id);
    assert.deepEqual(await keysOf(client), []);
  },
);
