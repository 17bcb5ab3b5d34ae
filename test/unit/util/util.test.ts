import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import {
  boolean,
  callable,
  isPlainObject,
  misuse,
  oneOf,
  onlyKeys,
  outOfRange,
  show,
  wholeNumber,
  nearest,
} from "#dist/util/assert.js";
import { environment, mayRead } from "#dist/util/builtin.js";
import { base64url, fromBase64url, utf8Length, sha256 } from "#dist/util/bytes.js";
import { checksum } from "#dist/codecs/encoded-data.js";
import { milliseconds } from "#dist/util/time.js";
import { Notes } from "#dist/util/request-objects.js";
import { SessionError } from "#dist/errors.js";

// the runtime

test("a runtime that throws when it is asked for a permission has no such variable", (t) => {
  const globals = globalThis as { Deno?: object };
  const permissions = {
    querySync() {
      throw new Error("there are no permissions here");
    },
  };
  globals.Deno = { permissions };
  t.after(() => delete globals.Deno);
  assert.equal(environment("PATH"), undefined);
  assert.equal(mayRead("PATH"), false);
});

// durations

test("durations: milliseconds, or a number with its unit", () => {
  const good: [unknown, number][] = [
    [1000, 1000],
    [1500.4, 1500],
    ["1000ms", 1000],
    ["90s", 90_000],
    ["30m", 1_800_000],
    ["1.5h", 5_400_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
    ["36500000d", 36_500_000 * 86_400_000],
  ];
  for (const [text, ms] of good) assert.equal(milliseconds("idleTimeout", text as never, 1000), ms, String(text));
});

test("durations: a number that is too small is most likely a mistake, and the message suggests the correct duration", () => {
  assert.throws(() => milliseconds("idleTimeout", 30, 1000), {
    name: "RangeError",
    code: "wrong-option",
    message:
      /^holdfast: idleTimeout is 30; it must be at least one second; did you mean "30m" or "30s"\? A bare number is milliseconds; see /,
  });
  assert.throws(() => milliseconds("idleTimeout", "30ms", 1000), RangeError);
});

test('durations: a text without unit ("30") is a slip, and the message names "30m"', () => {
  assert.throws(() => milliseconds("idleTimeout", "30" as never, 1000), {
    name: "TypeError",
    message: /idleTimeout is "30"; write .*"30m"/,
  });
});

test("durations: anything else is refused, with the option and the value", () => {
  for (const bad of [
    "",
    " 30m",
    "30m ",
    "30M",
    "30 m",
    "30min",
    "1h30m",
    "-1h",
    "+1h",
    ".5h",
    "1.h",
    "1e3s",
    "0x10s",
    "Infinityh",
    "٣٠m",
    "1".repeat(16) + "s",
    null,
    undefined,
    {},
    [],
    true,
    5n,
    new Date(5),
  ]) {
    assert.throws(
      () => milliseconds("idleTimeout", bad as never, 1000),
      { name: "TypeError", message: /idleTimeout is .*write a duration/ },
      String(bad),
    );
  }
  for (const bad of [Number.NaN, Infinity, -Infinity])
    assert.throws(() => milliseconds("idleTimeout", bad, 1000), TypeError, String(bad));
  for (const bad of [0, -1, -1e9, 999, 1e300, "99999999999999d" as const])
    assert.throws(() => milliseconds("idleTimeout", bad, 1000), RangeError, String(bad));
});

// assertions

const PAGES = "https://holdfast-sessions.github.io/holdfast/reference/errors/";

test("nearest finds other capitals and a few wrong letters, and nothing in what is another word", () => {
  const names = ["idleTimeout", "absoluteTimeout", "storage", "skip"];
  assert.deepEqual(
    ["idletimeout", "idleTimout", "storge", "Storage", "skpi", "timeout", "redis", "x".repeat(100_000), ""].map(
      (name) => nearest(name, names),
    ),
    ["idleTimeout", "idleTimeout", "storage", "storage", undefined, undefined, undefined, undefined, undefined],
  );
});

test("misuse and outOfRange name option, value and what to write", () => {
  assert.equal(
    misuse("storage", "redis", "memoryStorage()").message,
    `holdfast: storage is "redis"; write memoryStorage(); see ${PAGES}wrong-option`,
  );
  assert.ok(misuse("a", 1, "b") instanceof TypeError);
  assert.equal(
    outOfRange("n", -1, "at least 0").message,
    `holdfast: n is -1; it must be at least 0; see ${PAGES}wrong-option`,
  );
  assert.ok(outOfRange("a", 1, "b") instanceof RangeError);
});

test("show is short and never the content of an object", () => {
  assert.equal(show("x".repeat(1000)).length, 63);
  assert.equal(show({ password: "secret" }), "an object (Object)");
  assert.equal(show(Object.create(null)), "an object (no prototype)");
  assert.equal(show([1, 2]), "an array of 2");
  assert.equal(show(Symbol("s")), "Symbol(s)");
  assert.equal(
    show(function named() {}),
    "the function named",
  );
  assert.equal(show("\r\nSet-Cookie: x"), '"\\r\\nSet-Cookie: x"');
});

test("onlyKeys names what is unknown and what there is", () => {
  assert.throws(() => onlyKeys("cookie", { Secure: true }, ["secure", "path"]), {
    name: "TypeError",
    message: `holdfast: cookie has no option "Secure" (did you mean "secure"?); see ${PAGES}wrong-option`,
  });
  assert.throws(() => onlyKeys("cookie", { colour: 1 }, ["secure", "path"]), {
    message: `holdfast: cookie has no option "colour"; it has secure, path; see ${PAGES}wrong-option`,
  });
  assert.throws(() => onlyKeys("cookie", { name: "sid" }, ["secure", "path"], { name: "write fromCookie" }), {
    message: `holdfast: cookie has no option "name"; write fromCookie; see ${PAGES}wrong-option`,
  });
  // Properties of Object.prototype are no names of another library.
  for (const name of ["constructor", "toString"])
    assert.throws(() => onlyKeys("cookie", { [name]: 1 }, ["secure"]), /it has secure; see /);
  for (const value of [null, [], "x", 5, new Map()])
    assert.throws(() => onlyKeys("cookie", value as object, ["secure"]), TypeError);
  onlyKeys("cookie", {}, ["secure"]);
});

test("isPlainObject knows objects of other realms and none of classes", () => {
  assert.ok(isPlainObject({}) && isPlainObject(Object.create(null)));
  for (const value of [null, [], new Map(), new (class A {})(), () => {}, "x", Object.create({ a: 1 })])
    assert.equal(isPlainObject(value), false);
});

test("oneOf, boolean, callable and wholeNumber refuse with a hint", () => {
  assert.throws(() => oneOf("load", "late", ["eager", "lazy"]), /load is "late"; write "eager" or "lazy"/);
  assert.throws(() => boolean("secure", "yes"), /secure is "yes"; write true or false/);
  assert.throws(() => callable("skip", true, "(context) => boolean"), /skip is true; write \(context\) => boolean/);
  assert.throws(() => wholeNumber("n", 1.5, 0), RangeError);
  assert.throws(() => wholeNumber("n", "5", 0), TypeError);
  assert.equal(wholeNumber("n", 0, 0), 0);
});

// bytes

test("base64url is Buffer's, both ways", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = base64url(bytes);
      assert.equal(text, Buffer.from(bytes).toString("base64url"));
      assert.deepEqual(fromBase64url(text), bytes);
    }),
  );
});

test("base64url refuses every letter that is not its own", () => {
  for (const text of ["a=", "a+", "a/", "a b", "ä", "\u0000", "😀"])
    assert.throws(() => fromBase64url(text), SyntaxError, text);
});

test("utf8Length is Buffer's", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => utf8Length(text) === Buffer.byteLength(text)));
  for (const text of ["\u007f\u0080", "\u07ff\u0800", "\ud7ff\ue000", "\u{10000}\u{10ffff}"])
    assert.equal(utf8Length(text), Buffer.byteLength(text));
});

// checksum and hash

/** The same, step by step as it is described. */
function slowChecksum(first: string, second: string): string {
  const bytes = Buffer.from(second);
  const whole = bytes.length - (bytes.length % 4);
  const steps = [
    ...first.split("").map((unit) => unit.charCodeAt(0)),
    ...Array.from({ length: whole / 4 }, (_, i) => bytes.readInt32LE(i * 4)),
    ...bytes.subarray(whole),
  ];
  const hash = steps.reduce((sum, step) => {
    const product = Math.imul(sum ^ step, 0x01000193);
    return product ^ (product >>> 15);
  }, 0x811c9dc5 ^ bytes.length);
  return (hash >>> 0).toString(36);
}

test("the checksum reads the UTF-8 of a string four bytes at a time, and changes with every single character", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 4 }),
      fc.string({ unit: "grapheme" }),
      (first, second) => checksum(first, second) === slowChecksum(first, second),
    ),
  );
  for (const length of [1365, 1366, 100_000, 3])
    assert.equal(checksum("1", "茶".repeat(length)), slowChecksum("1", "茶".repeat(length)), `${length} characters`);
  for (const side of [0, 1]) {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(), fc.nat(0xfffe), (text, at, by) => {
        const place = at % text.length;
        const other =
          text.slice(0, place) + String.fromCharCode(text.charCodeAt(place) ^ (by + 1)) + text.slice(place + 1);
        const sum = (one: string): string => (side === 0 ? checksum(one, "{}") : checksum("1", one));
        return !isWellFormed(other) || sum(other) !== sum(text);
      }),
    );
  }
});

/** A lone surrogate has no UTF-8; nothing that is stored holds one. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

test("sha256 is Node's, as base64url", () => {
  for (const text of ["", "a", "é😀", "x".repeat(1000)])
    assert.equal(sha256(text), createHash("sha256").update(text).digest("base64url"));
});

// errors

test("every error code has its status, and nothing of it is shown to clients", () => {
  const statuses: Record<string, number> = { storage: 503, timeout: 503, conflict: 503, ended: 409 };
  for (const code of [
    "storage",
    "timeout",
    "conflict",
    "ended",
    "bad-generator",
    "unserializable",
    "too-large",
    "answered",
    "not-loaded",
    "no-session",
    "released",
    "unknown-type",
    "unsupported",
  ] as const) {
    const error = new SessionError(code, "said", { cause: 5 });
    const status = statuses[code] ?? 500;
    assert.deepEqual(
      [error.code, error.status, error.statusCode, error.expose, error.cause, error.name, error.message],
      [code, status, status, false, 5, "SessionError", `said; see ${PAGES}${code}`],
    );
    assert.ok(error instanceof Error);
  }
});

// notes of a request

/** A request whose prototype was changed, as Express does it. */
function changed(rawHeaders: readonly string[]): object {
  return Object.setPrototypeOf(
    Object.assign(new Request(), { rawHeaders }),
    Object.create(Request.prototype) as object,
  ) as object;
}

class Request {}

test("notes: what is kept for a request is found through a proxy of it, and from what inherits from it", () => {
  for (const request of [new Request(), changed(["Host", "a"]), Object.freeze(changed(["Host", "a"]))]) {
    const notes = new Notes<object>();
    assert.equal(notes.get(request), undefined);
    for (const value of [{}, {}]) {
      notes.set(request, value);
      for (const one of [request, new Proxy(request, {}), Object.create(request) as object])
        assert.equal(notes.get(one), value);
    }
    assert.equal(new Notes<object>().get(request), undefined);
  }
});

test("notes: a request that takes nothing, with a list that takes nothing", () => {
  const notes = new Notes<object>();
  for (const request of [Object.freeze(new Request()), Object.freeze(changed(Object.freeze(["Host", "a"])))]) {
    const value = {};
    notes.set(request, value);
    assert.equal(notes.get(request), value);
  }
});

test("notes: an object stored before the prototype of a request was changed is found, and can be replaced", () => {
  const notes = new Notes<object>();
  const request = Object.assign(new Request(), { rawHeaders: ["Host", "a"] });
  const [first, second] = [{}, {}];
  notes.set(request, first);
  Object.setPrototypeOf(request, Object.create(Request.prototype) as object);
  assert.equal(notes.get(request), first);
  notes.set(request, second);
  assert.equal(notes.get(request), second);
});

test("notes: an empty list of headers may be shared by requests, and a getter that returns a new list each time cannot store anything", () => {
  const notes = new Notes<object>();
  const empty: string[] = [];
  const [one, other] = [changed(empty), changed(empty)];
  const value = {};
  notes.set(one, value);
  assert.equal(notes.get(one), value);
  assert.equal(notes.get(other), undefined);
  const anew = Object.setPrototypeOf(
    {},
    {
      get rawHeaders() {
        return ["Host", "a"];
      },
    },
  ) as object;
  notes.set(anew, value);
  assert.equal(notes.get(anew), value);
});

test("notes: the property is not visible when the list of headers is read", () => {
  const rawHeaders = ["Host", "a"];
  new Notes<object>().set(changed(rawHeaders), { secret: 1 });
  assert.deepStrictEqual(rawHeaders, ["Host", "a"]);
  assert.equal(inspect(rawHeaders), "[ 'Host', 'a' ]");
});
