import assert from "node:assert/strict";
import { parseCookie, parseSetCookie } from "cookie";
import fc from "fast-check";
import type { CookieOptions } from "#dist/cookie/cookie.js";
import { checksum, EncodedData } from "#dist/codecs/encoded-data.js";
import type { SessionRecord } from "#dist/codecs/record.js";
import { viewOf, type Asked } from "../../unit/world.js";
import { keptByBrowsers } from "./browser-model.js";
import { COOKIES, TOKENS, VALUES } from "./corpus.js";
import { HOLDFAST, MOST_BYTES, NAMESPACE, type Subject } from "./subject.js";

/** One thing that is fuzzed: inputs, and what holds for every one of them. Throws where it does not. */
export interface Target<I = any> {
  readonly name: string;
  /** Its part of all inputs, in thousandths. */
  readonly share: number;
  readonly inputs: fc.Arbitrary<I>;
  /** Inputs from the corpus, always tried. */
  readonly corpus: readonly I[];
  holds(input: I, subject: Subject): void;
}

const target = <I>(one: Target<I>): Target<I> => one;

// texts

/** Strings in which something happens: structure of headers and JSON, blanks, controls, halves of characters. */
const UNITS = [
  ..."sid=; \t,\"'\\%41$:{}[]aA09-_.~/?&\r\n",
  "\u0000",
  "\u007f",
  "\u00a0",
  "\u2028",
  "\ufeff",
  "\ud800",
  "\udc00",
  "😀",
  "__proto__",
  "sid=",
  "; ",
  "%2e",
  "Bearer ",
  "constructor",
];
const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom(...UNITS), maxLength }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength }) },
  );

/** A text of the corpus, with a piece cut out, repeated or put in somewhere. */
const mutated = (texts: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...texts), fc.nat(200), fc.nat(8), text(4))
    .map(([whole, at, cut, put]) =>
      ((from) => whole.slice(0, from) + put + whole.slice(from + cut))(at % (whole.length + 1)),
    );

const cookieHeader = fc.oneof(
  { weight: 3, arbitrary: text(40) },
  { weight: 2, arbitrary: mutated(COOKIES.headers) },
  { weight: 1, arbitrary: fc.array(mutated(COOKIES.headers), { maxLength: 5 }).map((all) => all.join("; ")) },
);
const cookieKey = fc.constantFrom(...COOKIES.names);

/** The documented errors of misuse, and nothing else. */
function unlessRefused<T>(work: () => T, ...names: readonly string[]): T | undefined {
  try {
    return work();
  } catch (error) {
    assert.ok(names.includes((error as Error).name), String((error as Error).stack));
    return undefined;
  }
}

function assertNothingPolluted(): void {
  assert.equal(({} as { admin?: unknown }).admin, undefined);
  assert.deepEqual(Object.keys(Object.prototype), []);
}

// the cookie scanner

/** The same by another way: in as many passes as is simple. */
function simply(header: string, name: string): { first: string | undefined; count: number } {
  const trim = (part: string): string => part.replace(/^[ \t]+/, "").replace(/[ \t]+$/, "");
  const pairs = header
    .split(";")
    .filter((part) => part.includes("="))
    .map((part) => [trim(part.slice(0, part.indexOf("="))), trim(part.slice(part.indexOf("=") + 1))]);
  const found = pairs.filter(([key]) => key === name);
  return { first: found[0]?.[1], count: found.length };
}

export const scanner = target<[header: string, name: string]>({
  name: "cookie scanner",
  share: 300,
  inputs: fc.tuple(cookieHeader, cookieKey),
  corpus: COOKIES.headers.flatMap((header) => COOKIES.names.map((name) => [header, name] as [string, string])),
  holds([header, name], { readCookie }) {
    const found = readCookie(header, name);
    assert.deepEqual({ ...found }, simply(header, name));
    assert.deepEqual(readCookie(`${header};`, name), found, "an empty pair at the end changes nothing");
    if (found.first !== undefined) assert.ok(header.includes(found.first));
  },
});

export const beside = target<[header: string, name: string]>({
  name: "cookie scanner beside the cookie package",
  share: 150,
  inputs: scanner.inputs,
  corpus: scanner.corpus,
  holds([header, name], { readCookie }) {
    const ours = readCookie(header, name).first;
    assert.equal(ours, parseCookie(header, { decode: (value) => value })[name]);
    assert.equal(percentDecoded(ours), parseCookie(header)[name], "the only difference by default");
  },
});

function percentDecoded(value: string | undefined): string | undefined {
  try {
    return value?.includes("%") ? decodeURIComponent(value) : value;
  } catch {
    return value;
  }
}

// the cookie writer

type Written = [name: string, value: string, lifetime: number | undefined, secure: boolean, options: CookieOptions];

const optionOf = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined });
const cookieOptions: fc.Arbitrary<CookieOptions> = fc
  .record({
    secure: optionOf(fc.constantFrom(true, false, "auto" as const)),
    httpOnly: optionOf(fc.boolean()),
    sameSite: optionOf(fc.constantFrom("lax", "strict", "none", "Lax", "None", "x")),
    path: optionOf(
      fc.oneof(
        fc.constantFrom(...COOKIES.paths),
        text(12).map((part) => `/${part}`),
      ),
    ),
    domain: optionOf(fc.oneof(fc.constantFrom(...COOKIES.domains), text(12))),
    sessionOnly: optionOf(fc.boolean()),
    partitioned: optionOf(fc.boolean()),
    priority: optionOf(fc.constantFrom("low", "high", "High", "x")),
  })
  .map(
    (options) =>
      Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as CookieOptions,
  );

const tokenText = fc.string({ unit: fc.constantFrom(..."AZaz09-_.~"), maxLength: 60 });

export const writer = target<Written>({
  name: "cookie writer",
  share: 150,
  inputs: fc.tuple(
    fc.oneof(cookieKey, text(10)),
    fc.oneof(tokenText, fc.constantFrom("v".repeat(4090), "v".repeat(4096))),
    optionOf(fc.oneof(fc.double(), fc.integer())),
    fc.boolean(),
    cookieOptions,
  ),
  corpus: COOKIES.names.flatMap((name) =>
    COOKIES.paths.flatMap((path) =>
      COOKIES.domains.map((domain): Written => [name, "AbC-_09.~", 60_000, true, { path, domain }]),
    ),
  ),
  holds([name, value, lifetime, chosen, options], { writeCookie, readCookie }) {
    const secure = mustBeSecure(name, options)
      ? true
      : options.secure === undefined || options.secure === "auto"
        ? chosen
        : options.secure;
    const line = unlessRefused(() => writeCookie(name, value, lifetime, secure, options), "TypeError", "RangeError");
    if (line === undefined) return;
    const kept = keptByBrowsers(line);
    assert.ok(typeof kept !== "string", `browsers refuse ${JSON.stringify(line)}: ${kept as string}`);
    const written = lifetime === undefined ? "" : value;
    assert.deepEqual([kept.name, kept.value], [name, written]);
    assert.deepEqual(attributesOf(kept.attributes), expected(lifetime, secure, options));
    assert.equal(
      readCookie(`${kept.name}=${kept.value}`, name).first,
      written,
      "what the browser sends back is found again",
    );
    const theirs = parseSetCookie(line);
    assert.deepEqual(
      [theirs.name, theirs.value, theirs.path, theirs.domain],
      [name, written, trailing(options.path ?? "/"), options.domain],
    );
  },
});

const mustBeSecure = (name: string, { sameSite, partitioned }: CookieOptions): boolean =>
  sameSite?.toLowerCase() === "none" || partitioned === true || /^__(host|secure)-/i.test(name);

function attributesOf(attributes: ReadonlyMap<string, string>): Record<string, string> {
  const own = Object.fromEntries(attributes);
  const seconds = Number(own["max-age"] ?? 1);
  assert.ok(Number.isInteger(seconds) && seconds >= 0 && seconds <= 34_560_000, `Max-Age=${own["max-age"]}`);
  return { ...own, ...(own["max-age"] !== undefined && { "max-age": seconds === 0 ? "none" : "some" }) };
}

/** Browsers drop blanks at the end of an attribute. */
const trailing = (path: string): string => path.replace(/[ \t]+$/, "");

function expected(
  lifetime: number | undefined,
  secure: boolean,
  { path = "/", domain, httpOnly = true, sameSite = "lax", partitioned, priority, sessionOnly }: CookieOptions,
): Record<string, string> {
  const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1).toLowerCase();
  return {
    ...(lifetime === undefined
      ? { "max-age": "none", expires: "Thu, 01 Jan 1970 00:00:00 GMT" }
      : !sessionOnly && { "max-age": "some" }),
    path: trailing(path),
    ...(domain !== undefined && { domain }),
    ...(httpOnly && { httponly: "" }),
    samesite: capital(sameSite),
    ...(partitioned && { partitioned: "" }),
    ...(priority && { priority: capital(priority) }),
    ...(secure && { secure: "" }),
  };
}

// tokens

const CANONICAL = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("base64url"));

export const tokens = target<string>({
  name: "shape of tokens",
  share: 100,
  inputs: fc.oneof(
    CANONICAL,
    fc
      .tuple(CANONICAL, fc.nat(43), text(2), fc.nat(2))
      .map(([token, at, put, cut]) => token.slice(0, at) + put + token.slice(at + cut)),
    fc.string({ unit: fc.constantFrom(..."ABCabc019-_"), minLength: 43, maxLength: 43 }),
    text(50),
  ),
  corpus: TOKENS,
  holds(input, { fits }) {
    const bytes = Buffer.from(input, "base64url");
    assert.equal(
      fits(input),
      bytes.length === 32 && bytes.toString("base64url") === input,
      "exactly the one spelling of 32 bytes",
    );
  },
});

// extractors

const asked: fc.Arbitrary<Asked> = fc.record({
  cookie: cookieHeader,
  headers: fc.record({
    "x-sid": fc.oneof(text(50), fc.array(text(20), { maxLength: 3 })),
    authorization: fc.oneof(
      text(50),
      text(50).map((rest) => `Bearer ${rest}`),
    ),
    "x-other": text(50),
  }),
  url: fc.oneof(
    text(50).map((rest) => `/?${rest}`),
    text(50).map((rest) => `/?sid=${rest}`),
    text(50),
  ),
  params: fc.record({ sid: text(50) }),
});

export const extractors = target<Asked>({
  name: "extractors",
  share: 100,
  inputs: asked,
  corpus: TOKENS.map((token) => ({
    cookie: `sid=${token}`,
    headers: { "x-sid": token, authorization: `Bearer ${token}`, "x-other": token },
    url: `/?sid=${token}`,
    params: { sid: token },
  })),
  holds(input, { extractors, fits }) {
    for (const [source, extractor] of Object.entries(extractors)) {
      if (extractor.needsBody) continue;
      const found = extractor.find(viewOf(input));
      assert.deepEqual(extractor.find(viewOf(input)), found, source);
      if (found === undefined) continue;
      const { value, duplicate } = found as { value: string; duplicate?: string };
      assert.ok(typeof value === "string" && value !== "", source);
      if (duplicate !== "refused" && fits(value))
        assert.equal(Buffer.from(value, "base64url").toString("base64url"), value);
      const sent = input.headers?.["x-sid"];
      if (source === "header")
        assert.equal(duplicate === "refused", [sent].flat().join(",").includes(","), "several values are no token");
    }
  },
});

// values

const KEYS = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.constantFrom("$", "v", "__proto__", "constructor", "prototype", "toJSON", "then", "length", "valueOf"),
);

const { value: anyValue } = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 8 }),
    fc.double(),
    fc.boolean(),
    fc.constantFrom<unknown>(null, undefined, Infinity, -Infinity, Number.NaN, -0),
    fc.bigInt(),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 6 }),
    fc.constantFrom("https://a.example/b?c#d", "mailto:x").map((href) => new URL(href)),
  ),
  value: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    tie("leaf"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(KEYS, tie("value")), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs)),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 }).map((pairs) => new Map(pairs)),
    fc.array(tie("value"), { maxLength: 3 }).map((members) => new Set(members)),
  ),
}));

export const values = target<unknown>({
  name: "values, there and back",
  share: 50,
  inputs: anyValue,
  corpus: [
    { $: "date", v: 5 },
    JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}'),
    [{ $: { $: "object", v: [] } }],
    new Map([[new Map(), new Set([Number.NaN])]]),
  ],
  holds(input, { encode, decode }) {
    const line = encode(input);
    assert.doesNotMatch(line, /[\r\n]/);
    const back = decode(line);
    assert.deepStrictEqual(back, input);
    assert.equal(encode(back), line);
    assertNothingPolluted();
  },
});

const JSON_UNITS = [
  '{"$":"',
  '"',
  "v",
  ":",
  ",",
  "[",
  "]",
  "{",
  "}",
  "1",
  "-0",
  "null",
  "date",
  "map",
  "set",
  "object",
  "bytes",
  "bigint",
  "number",
  "url",
  "undefined",
  '"__proto__"',
  '"$"',
  '"v":',
  "[[",
  "]]",
  " ",
  "\\u0000",
];

export const stored = target<string>({
  name: "values, read from hostile text",
  share: 75,
  inputs: fc.oneof(
    mutated(VALUES),
    fc.string({ unit: fc.constantFrom(...JSON_UNITS), maxLength: 12 }),
    fc.json({ maxDepth: 3 }),
    text(30),
  ),
  corpus: VALUES,
  holds(input, { decode, encode }) {
    const read = unlessRefused(() => ({ value: decode(input) }), "SessionError");
    assertNothingPolluted();
    if (read === undefined) return;
    assert.equal((read.value as { admin?: unknown } | null | undefined)?.admin, ownAdmin(read.value));
    const line = unlessRefused(() => encode(read.value), "SessionError");
    if (line !== undefined)
      assert.deepStrictEqual(encode(decode(line)), line, "what was read is written the same from then on");
  },
});

const ownAdmin = (value: unknown): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, "admin")
    ? (value as { admin: unknown }).admin
    : undefined;

// records

const HASH = "h".repeat(43);
const time = fc.nat(2 ** 40);
const record: fc.Arbitrary<SessionRecord> = fc.record(
  {
    kind: fc.constant("record" as const),
    promised: fc.constant(undefined),
    createdAt: time,
    authenticatedAt: optionOf(time),
    idle: optionOf(time),
    absolute: optionOf(time),
    owner: optionOf(text(8)),
    writes: fc.constantFrom("", "abcdef", "abcdefABCDEF"),
    data: fc
      .array(fc.tuple(KEYS, fc.constantFrom("1", '"x"', "{}", '"\\n"')), { maxLength: 4 })
      .map((pairs) => EncodedData.of(new Map(pairs))),
  },
  { noNullPrototype: true },
);

type Damage = [record: SessionRecord, at: number, cut: number, put: string, sealed: boolean];

/** A record that was damaged at one place; sealed anew in some cases, as somebody does who knows how. */
export const damaged = target<Damage>({
  name: "records, damaged",
  share: 50,
  inputs: fc.tuple(record, fc.nat(400), fc.nat(20), text(4), fc.boolean()),
  corpus: [],
  holds([original, at, cut, put, sealed], { readRecord, writeRecord }) {
    const whole = writeRecord(HASH, original);
    assert.deepEqual(readRecord(HASH, whole), original);
    const from = at % (whole.length + 1);
    const broken = whole.slice(0, from) + put + whole.slice(from + cut);
    const found = readRecord(HASH, sealed ? resealed(broken) : broken);
    assertNothingPolluted();
    if (sealed) assertOwn(found);
    else if (broken !== whole) assert.notEqual(found.kind, "record", broken);
    const other = readRecord("i".repeat(43), whole);
    assert.equal(other.kind, "unreadable", "another key's");
  },
});

const resealed = (whole: string): string =>
  ((body) => `1:${checksum("1", body)}\n${body}`)(whole.slice(whole.indexOf("\n") + 1));

function assertOwn(found: ReturnType<Subject["readRecord"]>): void {
  assert.ok(["record", "marker", "unreadable", "newer"].includes(found.kind));
  if (found.kind !== "record") return;
  assert.ok(
    Number.isFinite(found.createdAt) && typeof found.writes === "string" && found.data instanceof EncodedData,
  );
  for (const [key, line] of found.data) assert.ok(typeof key === "string" && typeof line === "string");
}

export const foreign = target<string>({
  name: "records, foreign text",
  share: 25,
  inputs: fc.oneof(
    text(60),
    text(40).map((body) => `1:${checksum("1", body)}\n${body}`),
    fc.tuple(fc.json(), text(20)).map(([head, rest]) => `1:${checksum("1", `${head}\n${rest}`)}\n${head}\n${rest}`),
    mutated(VALUES),
  ),
  corpus: [
    ...VALUES,
    `1:0\n{"k":"${HASH}","n":"${NAMESPACE}"}`,
    "1:",
    "9999:zzzzzzz\n",
    "\n",
    "x".repeat(MOST_BYTES),
  ],
  holds(input, { readRecord }) {
    const found = readRecord(HASH, input);
    assertNothingPolluted();
    assert.ok(found.kind === "unreadable" || found.kind === "newer", `${found.kind} of ${input}`);
  },
});

export const TARGETS: readonly Target[] = [
  scanner,
  beside,
  writer,
  tokens,
  extractors,
  values,
  stored,
  damaged,
  foreign,
];

/** How one target went. */
export interface Fuzzed {
  readonly name: string;
  readonly runs: number;
  readonly error?: string;
}

/** Tries a target with its corpus and so many inputs. */
export function fuzz(
  { name, inputs, corpus, holds }: Target,
  runs: number,
  seed: number,
  subject: Subject = HOLDFAST,
): Fuzzed {
  const details = fc.check(
    fc.property(inputs, (input: unknown) => holds(input, subject)),
    { numRuns: runs + corpus.length, seed, examples: corpus.map((input) => [input]) },
  );
  const result = { name, runs: details.numRuns };
  return details.failed ? { ...result, error: fc.defaultReportMessage(details) ?? "failed" } : result;
}
