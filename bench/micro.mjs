/**
 * `npm run bench -- --micro`: the parts of a session alone, without a server: nanoseconds for one, in a loop that is
 * compiled.
 */
import { RecordCodec } from "../dist/codecs/record.js";
import { checksum, EncodedData } from "../dist/codecs/encoded-data.js";
import { ValueCodec } from "../dist/codecs/value.js";
import { cookieLine, cookieSettings, readCookie } from "../dist/cookie/cookie.js";
import { fromCookie } from "../dist/index.js";
import { memoryStorage } from "../dist/storage/memory.js";
import { RequestSession } from "../dist/session/request-session.js";
import { plan } from "../dist/session/plan.js";
import { requestSettings } from "../dist/session/request-options.js";
import { drawWriteId, hashOf, randomToken } from "../dist/session/token.js";
import { DATA } from "./kinds.mjs";
import { quartiles } from "./stats.mjs";
import { number, table } from "./tables.mjs";

const SLICE_MS = 20;
const NAME = "__Host-session_id";

/** Measures each part. */
export async function run({ seconds, quiet }) {
  const rounds = Math.max(5, Math.round((seconds * 1000) / SLICE_MS / 5));
  const parts = { ...leaves(), ...codecs(), ...storage(), ...(await requests()) };
  const names = Object.keys(parts);
  const seen = new Map(names.map((name) => [name, []]));
  for (let round = -2; round < rounds; round++) {
    if (!quiet && round === 0) console.error(`… ${rounds} rounds`);
    for (const name of names) {
      const ns = await slice(parts[name]);
      if (round >= 0) seen.get(name).push(ns);
    }
  }
  const results = names.map((name) => ({ name, ns: quartiles(seen.get(name)) }));
  console.log(
    table([
      ["", "ns", "(quartiles)", ""],
      ...results.map(({ name, ns }) => [name, number(ns.median), `${number(ns.q1)}–${number(ns.q3)}`, ""]),
    ]).join("\n"),
  );
  return { micro: results };
}

/** What a part does many times: synchronous ones in a plain loop, others one after the other. */
async function slice({ once, each }) {
  const began = process.hrtime.bigint();
  const end = began + BigInt(SLICE_MS * 1e6);
  let done = 0;
  for (let now = began; now < end; now = process.hrtime.bigint()) {
    if (once) for (let i = 0; i < BATCH; i++) once();
    else for (let i = 0; i < BATCH; i++) await each();
    done += BATCH;
  }
  return Number(process.hrtime.bigint() - began) / done;
}

const BATCH = 100;

function leaves() {
  const token = randomToken.draw();
  const cookies = `theme=dark; _ga=GA1.1.1234567890.1234567890; ${NAME}=${token}; lang=en`;
  const settings = cookieSettings({}, [NAME]);
  const situation = {
    found: "live",
    intent: "keep",
    changed: false,
    worthStoring: true,
    explicit: false,
    refresh: "no",
    canCarry: true,
  };
  return {
    "token: draw": { once: () => randomToken.draw() },
    "token: shape": { once: () => randomToken.fits(token) },
    "token: hash": { once: () => hashOf(token) },
    "write id: draw": { once: drawWriteId },
    "cookie: find": { once: () => readCookie(cookies, NAME) },
    "cookie: line": { once: () => cookieLine(NAME, token, 1_800_000, true, settings) },
    plan: { once: () => plan(situation) },
  };
}

function codecs() {
  const values = new ValueCodec(65_536);
  const codec = new RecordCodec("holdfast");
  const hash = hashOf(randomToken.draw());
  const data = EncodedData.of(Object.entries(DATA).map(([key, value]) => [key, values.encode(value, key)]));
  const record = {
    kind: "record",
    createdAt: Date.now(),
    absolute: Date.now() + 86_400_000,
    writes: drawWriteId().repeat(8),
    data,
  };
  const text = codec.encode(hash, record);
  if (codec.decode(hash, text).kind !== "record") throw new Error("the record cannot be read");
  const cart = values.encode(DATA.cart, "cart");
  return {
    [`checksum of ${text.length} characters`]: { once: () => checksum("1", text) },
    "value: encode a text": { once: () => values.encode(DATA.name, "name") },
    "value: encode an array of objects": { once: () => values.encode(DATA.cart, "cart") },
    "value: decode an array of objects": { once: () => values.decode(cart, "cart") },
    "record: encode": { once: () => codec.encode(hash, record) },
    "record: decode": { once: () => codec.decode(hash, text) },
    "(JSON.stringify of the same data)": { once: () => JSON.stringify(DATA) },
    "(JSON.parse of the same data)": { once: parse },
  };
}

const JSON_TEXT = JSON.stringify(DATA);
const parse = () => JSON.parse(JSON_TEXT);

function storage() {
  const memory = memoryStorage();
  const call = { now: Date.now(), signal: undefined };
  const entry = { value: "x".repeat(700), expiresAt: Date.now() + 1_800_000 };
  let { version } = memory.create("key", entry, call);
  let made = 0;
  return {
    "memory: get": { once: () => memory.get("key", call) },
    "memory: update": { once: () => ({ version } = memory.update("key", entry, version, call)) },
    "memory: touch": { once: () => memory.touch("key", entry.expiresAt, version, call) },
    "memory: create and delete": {
      once: () => {
        const key = `key ${made++}`;
        memory.delete(key, memory.create(key, entry, call).version, call);
      },
    },
  };
}

/** All that happens in a request, but for the server: as an adapter calls it. */
async function requests() {
  const settings = requestSettings([
    { extractor: fromCookie(NAME), storage: memoryStorage(), absoluteTimeout: "24h" },
  ]);
  const visitor = view(undefined);
  const answer = () => ({ get: () => undefined, set() {}, cookies: () => [], setCookies() {} });
  const request = async (of, work) => {
    const requestSession = new RequestSession(settings, settings.store, of);
    const session = await requestSession.open();
    const value = work?.(session);
    await value;
    await requestSession.commit();
    requestSession.writeHeaders(answer());
    await requestSession.finish();
    return session;
  };
  const { token } = await request(visitor, (session) =>
    Object.entries(DATA).forEach(([key, value]) => session.set(key, value)),
  );
  let known = view(token);
  return {
    "request: N": { each: () => request(visitor) },
    "request: T": { each: () => request(known) },
    "request: R": { each: () => request(known, (session) => session.get("name")) },
    "request: W": { each: () => request(known, (session) => session.update("count", (count) => count + 1)) },
    "request: L": {
      each: async () => {
        known = view((await request(known, (session) => session.regenerate())).token);
      },
    },
  };
}

function view(token) {
  return {
    cookies: token && `${NAME}=${token}`,
    url: "/",
    encrypted: true,
    headers: () => [],
    param: () => undefined,
    form: () => undefined,
    context: undefined,
  };
}
