import assert from "node:assert/strict";
import { test } from "node:test";
import { chain, createStore, fiberDefaults, fromCookie, fromHeader } from "holdfast";
import * as connect from "holdfast/connect";
import * as express from "holdfast/express";
import * as node from "holdfast/node";
import { memoryStorage } from "holdfast/storage/memory";

const storage = memoryStorage();
class Later {}
/** Of a version of Standard Schema that nobody knows. */
const NO_SCHEMA = { "~standard": { version: 2, vendor: "own", validate: String } };

/**
 * Each mistake: the options, the kind of error, and what its message must name: the option, the value, what to write.
 */
const STORE: readonly [options: Record<string, unknown>, kind: "TypeError" | "RangeError", ...names: RegExp[]][] = [
  [{ storage: "redis" }, "TypeError", /storage is a string/, /write redisStorage\(client\)/],
  [{ storage: {} }, "TypeError", /storage is an object/, /lacks get, create, update, touch, delete/],
  [{ storage: new Map() }, "TypeError", /storage is an object \(Map\)/, /lacks create, update, touch/],
  [{ storage: null }, "TypeError", /storage is null/],
  [{ storage: memoryStorage }, "TypeError", /storage is the function memoryStorage/],
  [{ namespace: "" }, "TypeError", /namespace is ""/, /1 to 64 letters/],
  [{ namespace: "a:b" }, "TypeError", /namespace is "a:b"/],
  [{ namespace: "a b" }, "TypeError", /namespace/],
  [{ namespace: "x".repeat(65) }, "TypeError", /namespace/],
  [{ namespace: "ä" }, "TypeError", /namespace/],
  [{ namespace: 5 }, "TypeError", /namespace is 5/],
  [{ idleTimeout: 30 }, "RangeError", /idleTimeout is 30/, /"30m"/],
  [{ idleTimeout: "30" }, "TypeError", /idleTimeout is "30"/, /"30m"/],
  [{ idleTimeout: "30 minutes" }, "TypeError", /idleTimeout is "30 minutes"/],
  [{ idleTimeout: 0 }, "RangeError", /idleTimeout is 0/, /at least one second/],
  [{ idleTimeout: -1 }, "RangeError", /idleTimeout/],
  [{ idleTimeout: Number.NaN }, "TypeError", /idleTimeout is NaN/],
  [{ idleTimeout: Infinity }, "TypeError", /idleTimeout is Infinity/],
  [{ absoluteTimeout: "10m" }, "RangeError", /absoluteTimeout is "10m"/, /at least the idle timeout \(1800000 ms\)/],
  [{ absoluteTimeout: "1h", idleTimeout: "2h" }, "RangeError", /absoluteTimeout/],
  [{ absoluteTimeout: 24 }, "RangeError", /absoluteTimeout is 24/],
  [{ absoluteTimeout: "0s" }, "RangeError", /absoluteTimeout/],
  [{ refreshInterval: "x" }, "TypeError", /refreshInterval is "x"/],
  [{ refreshInterval: -1 }, "RangeError", /refreshInterval is -1/],
  [{ refreshInterval: "30m" }, "RangeError", /refreshInterval is "30m"/, /below the idle timeout \(1800000 ms\)/],
  [{ retiredFor: 15 }, "RangeError", /retiredFor is 15/, /"15m"/],
  [{ storageTimeout: 0 }, "RangeError", /storageTimeout is 0/],
  [{ storageTimeout: "fast" }, "TypeError", /storageTimeout is "fast"/],
  [{ commitTimeout: 0 }, "RangeError", /commitTimeout is 0/],
  [{ maxRecordBytes: 255 }, "RangeError", /maxRecordBytes is 255/, /at least 256/],
  [{ maxRecordBytes: "64kb" }, "TypeError", /maxRecordBytes is "64kb"/, /a whole number/],
  [{ maxRecordBytes: 1000.5 }, "RangeError", /maxRecordBytes/],
  [{ keyGenerator: "uuid" }, "TypeError", /keyGenerator is a string/, /\(\) => /],
  [{ types: { money: {} } }, "TypeError", /type money: class/],
  [{ types: { date: { class: Later, encode: String, decode: String } } }, "TypeError", /tag "date" is taken/],
  [{ schema: "zod" }, "TypeError", /schema is a string/, /a schema for each key: \{ cart: …, user: … \}/],
  [{ schema: NO_SCHEMA }, "TypeError", /schema is an object/, /a schema for each key/],
  [{ schema: { cart: Array } }, "TypeError", /schema.cart is the function Array/, /a Standard Schema \(zod/],
  [{ schema: { cart: { parse: String } } }, "TypeError", /schema.cart is an object/],
  [{ schema: { cart: NO_SCHEMA } }, "TypeError", /schema.cart has version 2/],
  [{ schema: {}, invalid: "ignore" }, "TypeError", /invalid is "ignore"/, /"drop" or "throw"/],
  [{ invalid: "throw" }, "TypeError", /invalid is "throw"/, /beside a schema/],
  [{ clock: Date }, "TypeError", /clock is the function Date/, /now\(\)/],
  [{ clock: { now: () => 0 } }, "TypeError", /clock/],
  [{ onEvent: console }, "TypeError", /onEvent is an object/],
  [{ idleTimout: "30m" }, "TypeError", /no option "idleTimout"/, /idleTimeout/],
  [{ cookieName: "sid" }, "TypeError", /no option "cookieName"/],
  [{ secret: "keyboard cat" }, "TypeError", /no option "secret"/],
];

const REQUEST: typeof STORE = [
  [
    { store: storage },
    "TypeError",
    /store is an object \(MemoryStorage\)/,
    /createStore\(\{ storage \}\)/,
    /is passed as `storage`/,
  ],
  [{ store: {} }, "TypeError", /store is an object/],
  [{ store: createStore({ storage }), storage }, "TypeError", /storage is/, /createStore\(\{ storage \}\)/],
  [
    { store: createStore({ storage }), idleTimeout: "1h" },
    "TypeError",
    /idleTimeout is a string/,
    /createStore\(\{ idleTimeout \}\)/,
  ],
  [{ asyncLocalStorage: "yes" }, "TypeError", /asyncLocalStorage is "yes"/, /true or false/],
  [{ extractor: "cookie:sid" }, "TypeError", /extractor is "cookie:sid"/, /fromCookie/],
  [{ extractor: fromCookie }, "TypeError", /extractor is the function fromCookie/, /write its result/],
  [{ extractor: {} }, "TypeError", /extractor is an object/],
  [{ extractor: chain(fromCookie("a"), fromCookie("a")) }, "TypeError", /writes the cookie a twice/],
  [{ extractor: chain(fromHeader("X-A"), fromHeader("x-a")) }, "TypeError", /writes the header x-a twice/],
  [{ cookie: "sid" }, "TypeError", /cookie is a string/],
  [{ cookie: { name: "sid" } }, "TypeError", /cookie has no option "name"/, /write extractor: fromCookie\("NAME"\)/],
  [
    { cookie: { sameSite: "none-ish" } },
    "TypeError",
    /cookie\.sameSite is "none-ish"/,
    /"lax" or "strict" or "none"/,
  ],
  [{ load: "eagerly" }, "TypeError", /load is "eagerly"/, /"eager" or "lazy"/],
  [{ skip: "/health" }, "TypeError", /skip is a string/],
  [{ errorHandler: 500 }, "TypeError", /errorHandler is 500/],
  [{ storeNew: true }, "TypeError", /storeNew is true/, /"written" or "always"/],
  [{ answerIn: "chain" }, "TypeError", /answerIn is "chain"/],
  [{ saveUninitialized: false }, "TypeError", /no option "saveUninitialized"/],
];

function check(make: () => unknown, kind: string, names: readonly RegExp[], what: string): void {
  assert.throws(make, (error: Error) => {
    assert.equal(error.name, kind, `${what}: ${error.message}`);
    for (const name of names) assert.match(error.message, name, what);
    assert.match(error.message, /^holdfast: /);
    return true;
  });
}

for (const [options, kind, ...names] of STORE) {
  const what = Object.entries(options)
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(", ");
  test(`{ ${what} } is a ${kind} when the store is created, and when the middleware is`, () => {
    check(() => createStore(options as never), kind, names, what);
    if (typeof options["storage"] === "function") return;
    for (const { session } of [node, express, connect])
      check(() => session({ storage, ...options } as never), kind, names, what);
  });
}

for (const [options, kind, ...names] of REQUEST) {
  const what = Object.keys(options).join(", ");
  test(`session({ ${what} }): ${names[0]} is a ${kind} when the middleware is created`, () => {
    const own = "store" in options ? options : { storage, ...options };
    for (const { session } of [node, express, connect]) check(() => session(own as never), kind, names, what);
    check(() => createStore(options as never), "TypeError", [], what);
  });
}

test("app.use(session), without calling it, says so at the first request", () => {
  for (const { session } of [node, express, connect]) {
    for (const args of [[{ url: "/" }, {}, () => {}], ["x"], [() => {}], [{}, {}], [new Map()]]) {
      assert.throws(
        () => (session as (...args: unknown[]) => unknown)(...args),
        (error: Error) => error instanceof TypeError && /app\.use\(session\(\{ … \}\)\)/.test(error.message),
        String(args),
      );
    }
  }
});

test("what is right is taken", () => {
  createStore();
  createStore({
    storage,
    namespace: "a.b_c-9",
    idleTimeout: 1000,
    absoluteTimeout: "1s",
    refreshInterval: 0,
    retiredFor: "1m",
    storageTimeout: 1,
    commitTimeout: 1,
    maxRecordBytes: 256,
  });
  createStore({ idleTimeout: "90s", absoluteTimeout: "90s" });
  node.session({ storage, ...fiberDefaults, cookie: { ...fiberDefaults.cookie, httpOnly: true } });
  node.session({ store: createStore({ storage }), load: "lazy", skip: () => false, errorHandler: () => {} });
  node.session();
  node.session({ storage: undefined, idleTimeout: undefined, extractor: undefined } as never);
});

test("fiberDefaults is frozen and equals the table of Go Fiber", () => {
  assert.deepEqual(fiberDefaults, {
    idleTimeout: "30m",
    refreshInterval: 0,
    storeNew: "always",
    answerIn: "all",
    cookie: { secure: false, httpOnly: false, sameSite: "lax", path: "/" },
  });
  assert.ok(Object.isFrozen(fiberDefaults) && Object.isFrozen(fiberDefaults.cookie));
});

test("the storage's own limit bounds records, too", async () => {
  const small = Object.assign(memoryStorage(), { maxValueBytes: 1000 });
  const store = createStore<{ text: string }>({ storage: small });
  await store.create({ text: "x".repeat(500) });
  await assert.rejects(store.create({ text: "x".repeat(1000) }), { code: "too-large" });
});

test("a storage function that returns no storage is a clear error of that request", () => {
  assert.throws(() => node.session({ storage: () => ({}) as never }).store, { code: "unsupported" });
});

test("constructing does no I/O, starts no timer, asks no clock", () => {
  const never = (): never => {
    throw new Error("touched");
  };
  const untouched = { get: never, create: never, update: never, touch: never, delete: never };
  node.session({ storage: untouched, clock: { now: never, setTimer: never } });
  createStore({ storage: untouched, clock: { now: never, setTimer: never } });
});
