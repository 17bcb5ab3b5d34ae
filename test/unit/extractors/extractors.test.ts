import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chain,
  fromAuthHeader,
  fromCookie,
  fromCustom,
  fromForm,
  fromHeader,
  fromParam,
  fromQuery,
  keyLookup,
  type Extractor,
} from "holdfast";
import { viewOf, World, type Asked } from "../world.js";

const T = "T".repeat(42) + "A";
const U = "U".repeat(42) + "A";
const find = async (extractor: Extractor, asked: Asked): Promise<string | undefined> =>
  (await extractor.find(viewOf(asked)))?.value;
const duplicate = async (extractor: Extractor, asked: Asked): Promise<string | undefined> =>
  (await extractor.find(viewOf(asked)))?.duplicate;

const CUSTOM = fromCustom({ extract: (request) => request.headers("x-custom")[0], source: "other", key: "custom" });

/** Each extractor with a request that carries a text in its place. */
const CARRIED: Record<string, [extractor: Extractor, carry: (text: string) => Asked]> = {
  cookie: [fromCookie(), (text) => ({ cookie: `a=1; session_id=${text}; b=2` })],
  header: [fromHeader("X-Session-ID"), (text) => ({ headers: { "x-session-id": text } })],
  "authorization header": [fromAuthHeader(), (text) => ({ headers: { authorization: `Bearer ${text}` } })],
  query: [fromQuery("s"), (text) => ({ url: `/path?a=1&s=${encodeURIComponent(text)}` })],
  param: [fromParam("id"), (text) => ({ params: { id: text } })],
  form: [fromForm("s"), (text) => ({ form: { s: text } })],
  custom: [CUSTOM, (text) => ({ headers: { "x-custom": text } })],
};

for (const [name, [extractor, carry]] of Object.entries(CARRIED)) {
  test(`${name}: finds the token in its place, nothing in others, and has source and key`, async () => {
    assert.equal(await find(extractor, carry(T)), T);
    assert.equal(await find(extractor, {}), undefined);
    assert.equal(await find(extractor, carry("")), undefined);
    for (const [other, [, elsewhere]] of Object.entries(CARRIED))
      if (other !== name)
        assert.equal(await find(extractor, elsewhere(T)), undefined, `attack 121: not from ${other}`);
    assert.deepEqual(extractor.members, [extractor]);
    assert.ok(Object.isFrozen(extractor));
  });

  test(`attacks 1–6: ${name}: an unknown token of the right shape is anonymous, and on a write another one is issued`, async () => {
    const world = new World({ extractor: chain(extractor, fromCookie("other")) });
    const { session, cookies } = await world.client().ask((own) => own.set("n", 1), carry(T));
    assert.notEqual(session!.token, T);
    assert.ok(cookies.some((line) => line.startsWith(`other=${session!.token};`)));
    assert.equal(await world.store.getByToken(T), undefined);
  });

  test(`attacks 17–22: ${name}: what is no token is anonymous, costs no storage call and shows nowhere`, async () => {
    const world = new World({ extractor });
    const { token } = await world.store.create({ n: 1 });
    const hostile = [
      " ",
      "undefined",
      "null",
      "0",
      "[object Object]",
      "A",
      "A".repeat(42),
      "A".repeat(44),
      "A".repeat(4096),
      `${token}=`,
      ` ${token}`,
      `${token}x`,
      token.slice(1),
      `"${token}"`,
      "../../etc/passwd",
      "C:\\CON",
      "*",
      `{${token}}`,
      "%2e%2e",
      "%00",
      `${token}\u00a0`,
      `\uff21${token.slice(1)}`,
      "e\u0301".repeat(20),
      "\u202e" + token,
      "'; DROP TABLE x; --",
      "\ufffd".repeat(43),
    ];
    world.storage.forget();
    for (const text of hostile) {
      const trimmed = text.trim() === token;
      const { session, error, cookies, headers } = await world.client().ask((own) => void own.get("n"), carry(text));
      assert.equal(error, undefined, JSON.stringify(text));
      if (!trimmed) assert.deepEqual(session!.keys(), [], JSON.stringify(text));
      assert.deepEqual(cookies, []);
      if (text.length > 8) for (const value of headers.values()) assert.ok(!value.includes(text.trim()), value);
    }
    assert.deepEqual(
      world.storage.calls.filter(({ key }) => key.length !== "holdfast:".length + 43),
      [],
    );
    assert.deepEqual(
      world.events.filter(({ type }) => type !== "duplicate"),
      [],
    );
  });
}

test("attack 18: a megabyte in each place is refused without a storage call", async () => {
  for (const [name, [extractor, carry]] of Object.entries(CARRIED)) {
    const world = new World({ extractor });
    const asked = carry("A".repeat(1_000_000));
    const { calls, error } = await world.client().ask(() => {}, asked);
    assert.deepEqual([calls, error], [[], undefined], name);
  }
});

test("cookie: the first of several counts, and an event reports it", async () => {
  const extractor = fromCookie("sid");
  assert.equal(await find(extractor, { cookie: `sid=${T}; sid=${U}` }), T);
  assert.equal(await duplicate(extractor, { cookie: `sid=${T}; sid=${U}` }), "first");
  assert.equal(await duplicate(extractor, { cookie: `sid=${T}` }), undefined);
  assert.equal(
    await find(extractor, { cookie: `sid=; sid=${U}` }),
    undefined,
    "attack 29: an empty first one is no session",
  );
});

test("attack 29: valid and invalid duplicates, in both orders", async () => {
  const world = new World();
  const { token } = await world.store.create({ n: 1 });
  const asked = async (cookie: string): Promise<number | undefined> =>
    (await world.client().ask((own) => void own.get("n"), { cookie })).session!.get("n");
  assert.equal(await asked(`session_id=${token}; session_id=junk`), 1);
  assert.deepEqual(world.happened(), ["duplicate"]);
  assert.equal(await asked(`session_id=junk; session_id=${token}`), undefined);
  assert.deepEqual(world.happened(), ["duplicate"]);
});

test("attack 28: a header sent twice, or with a comma, is no token; an event reports it", async () => {
  for (const extractor of [fromHeader("X-Session-ID"), fromAuthHeader()]) {
    const world = new World({ extractor });
    const { token } = await world.store.create({ n: 1 });
    const [name, before] = extractor.source === "header" ? ["x-session-id", ""] : ["authorization", "Bearer "];
    world.storage.forget();
    for (const sent of [
      [`${before}${token}`, `${before}${token}`],
      `${before}${token}, ${before}${token}`,
      `${before}${token},`,
      [`${before}${token}`, ""],
    ]) {
      const { session } = await world.client().ask(() => {}, { headers: { [name]: sent } });
      assert.deepEqual(session!.keys(), [], JSON.stringify(sent));
      assert.deepEqual(world.happened(), ["duplicate"], JSON.stringify(sent));
    }
    assert.deepEqual(world.storage.calls, []);
  }
});

test("authorization: the scheme is compared without case, and nothing else of it is", async () => {
  const bearer = fromAuthHeader();
  for (const good of [`Bearer ${T}`, `bearer ${T}`, `BEARER ${T}`])
    assert.equal(await find(bearer, { headers: { authorization: good } }), T, good);
  for (const bad of [
    T,
    `Bearer${T}`,
    `Bearer: ${T}`,
    `Basic ${T}`,
    `Bearers ${T}`,
    ` Bearer ${T}`,
    "Bearer",
    "Bearer ",
  ])
    assert.equal(await find(bearer, { headers: { authorization: bad } }), undefined, bad);
  assert.equal(await find(fromAuthHeader("Session"), { headers: { authorization: `session ${T}` } }), T);
});

test("query: decoded once, the first of several, and an event", async () => {
  const extractor = fromQuery("s");
  assert.equal(await find(extractor, { url: `/?s=${T}&s=${U}` }), T);
  assert.equal(await duplicate(extractor, { url: `/?s=${T}&s=${U}` }), "first");
  assert.equal(await find(extractor, { url: "/?s=%2541" }), "%41", "attack 22");
  assert.equal(await find(extractor, { url: `/?S=${T}` }), undefined);
  assert.equal(await find(extractor, { url: `/#?s=${T}` }), T, "no fragment ever reaches a server");
  assert.equal(await find(extractor, { url: `/;s=${T}` }), undefined, "attack 43: matrix parameters are no query");
  assert.equal(
    await find(extractor, { url: "/?s=%c0%ae%zz" }),
    "\ufffd\ufffd%zz",
    "attack 35: damage throws nothing",
  );
});

test("attack 26: objects, arrays and numbers from a parser are no token", async () => {
  for (const value of [{ $ne: null }, [T], 5, true, null, undefined, { toString: () => T }]) {
    assert.equal(await find(fromForm("s"), { form: { s: value } }), undefined);
    assert.equal(await find(fromParam("id"), { params: { id: value as string } }), undefined);
    assert.equal(
      await find(fromCustom({ extract: () => value as string, source: "other", key: "x" }), {}),
      undefined,
    );
  }
});

test("attack 43: path parameters count as the whole segment or not at all", async () => {
  const world = new World({ extractor: chain(fromParam("id"), fromCookie()) });
  const { token } = await world.store.create({ n: 1 });
  for (const id of [
    `${token};jsessionid=1`,
    `${token}%2f`,
    `./${token}`,
    `${token}.`,
    `${token}/`,
    token.toLowerCase(),
  ]) {
    if (id === token) continue;
    assert.deepEqual((await world.client().ask(() => {}, { params: { id } })).session!.keys(), [], id);
  }
  assert.deepEqual((await world.client().ask(() => {}, { params: { id: token } })).session!.keys(), ["n"]);
});

test("attacks 4, 5, 103: a token that came by URL gets no-store and no-referrer, read or written, known or not", async () => {
  const world = new World({ extractor: chain(fromQuery("s"), fromParam("id"), fromCookie()) });
  const { token } = await world.store.create({ n: 1 });
  for (const asked of [{ url: `/?s=${token}` }, { params: { id: token } }, { url: `/?s=${T}` }]) {
    const { headers } = await world.client().ask(() => {}, asked);
    assert.deepEqual(
      [headers.get("cache-control"), headers.get("referrer-policy")],
      ["no-store", "no-referrer"],
      JSON.stringify(asked),
    );
  }
});

test("a chain stops at the first member whose value is not empty, whatever that is worth", async () => {
  const extractor = chain(fromHeader("X-S"), fromCookie(), fromQuery("s"));
  assert.equal(await find(extractor, { headers: { "x-s": "junk" }, cookie: `session_id=${T}` }), "junk");
  assert.equal(await find(extractor, { headers: { "x-s": "" }, cookie: `session_id=${T}` }), T);
  assert.equal(await find(extractor, { url: `/?s=${T}` }), T);
  const world = new World({ extractor });
  const { token } = await world.store.create({ n: 1 });
  const { session } = await world
    .client()
    .ask(() => {}, { headers: { "x-s": "junk" }, cookie: `session_id=${token}` });
  assert.deepEqual(session!.keys(), []);
});

test("attack 9: members that carry different tokens: the order decides, the other is not refreshed, an event reports it", async () => {
  const world = new World({ extractor: chain(fromHeader("X-S"), fromCookie()) });
  const [a, b] = [await world.store.create({ who: "a" }), await world.store.create({ who: "b" })];
  world.clock.advance("10m");
  const asked = { headers: { "x-s": a.token }, cookie: `session_id=${b.token}` };
  const { session, headers, cookies } = await world.client().ask(() => {}, asked);
  assert.equal(session!.get("who"), "a");
  assert.deepEqual([headers.get("x-s"), cookies], [a.token, []]);
  assert.deepEqual(world.happened(), ["duplicate"]);
  await world.client().ask(() => {}, { headers: { "x-s": a.token }, cookie: `session_id=${a.token}` });
  assert.deepEqual(world.happened(), [], "the same token in two places is no conflict");
});

test("chains in chains are one chain, in order", async () => {
  const extractor = chain(chain(fromHeader("X-A"), fromCookie("b")), fromQuery("c"));
  assert.deepEqual(
    extractor.members.map(({ source, key }) => `${source}:${key}`),
    ["header:X-A", "cookie:b", "query:c"],
  );
  assert.equal(extractor.key, "header:X-A,cookie:b,query:c");
  assert.equal(extractor.source, "chain");
});

test("a chain reads the body only if no other member found a value", async () => {
  let reads = 0;
  const view = (asked: Asked) => ({ ...viewOf(asked), form: () => (reads++, new Map([["s", T]])) });
  const extractor = chain(fromCookie(), fromForm("s"));
  assert.equal(extractor.needsBody, true);
  assert.equal((await extractor.find(view({ cookie: `session_id=${U}` })))?.value, U);
  assert.equal(reads, 0);
  assert.equal((await extractor.find(view({})))?.value, T);
});

test("keyLookup: every source, and chains of them", async () => {
  const made = (lookup: string): string[] => keyLookup(lookup).members.map(({ source, key }) => `${source}:${key}`);
  assert.deepEqual(made("cookie:sid"), ["cookie:sid"]);
  assert.deepEqual(made("cookie:sid,header:X-Sid"), ["cookie:sid", "header:X-Sid"]);
  assert.deepEqual(made(" Cookie:sid , QUERY:s,form:f,param:id,authorization:Bearer"), [
    "cookie:sid",
    "query:s",
    "form:f",
    "param:id",
    "auth-header:Bearer",
  ]);
  assert.equal(await find(keyLookup("cookie:sid,header:X-Sid"), { headers: { "x-sid": T } }), T);
});

test("keyLookup: anything else is refused, naming what it got and what there is", () => {
  for (const bad of [
    "",
    "sid",
    ":sid",
    "cookie:",
    "cookie",
    "body:s",
    "cookie:sid,",
    "toString:s",
    "__proto__:s",
    "cookie:a b",
    "cookie;sid",
  ]) {
    assert.throws(() => keyLookup(bad), TypeError, bad);
  }
  assert.throws(() => keyLookup("session:x"), { message: /keyLookup is "session:x"; write .*cookie, header, query/ });
  for (const bad of [5, null, undefined, {}]) assert.throws(() => keyLookup(bad as never), TypeError);
});

test("extractors are validated when they are created", () => {
  assert.throws(() => chain(), { name: "TypeError", message: /chain\(\) has no members/ });
  assert.throws(() => chain(fromCookie as never), {
    message: /chain is the function fromCookie; write its result: fromCookie\(…\)/,
  });
  assert.throws(() => chain("cookie:sid" as never), TypeError);
  for (const make of [fromHeader, fromCookie, fromAuthHeader])
    for (const bad of ["a b", "a\r\nb", "ä", "a:b", null, 5])
      assert.throws(() => make(bad as never), TypeError, String(bad));
  for (const make of [fromQuery, fromForm, fromParam])
    for (const bad of ["", "x".repeat(257), null, undefined, 5])
      assert.throws(() => make(bad as never), TypeError, String(bad));
  assert.throws(() => fromCustom({ extract: () => T, source: "chain" as never, key: "x" }), /source is "chain"/);
  assert.throws(() => fromCustom({ extract: "x" as never, source: "cookie", key: "x" }), /extract is a string/);
  assert.throws(() => fromCustom({ extract: () => T, source: "cookie", key: "a b" }), TypeError);
  assert.throws(
    () => fromCustom({ extract: () => T, source: "cookie", key: "x", more: 1 } as never),
    /no option "more"/,
  );
});

test("custom: a writable extractor sends the token in its place", async () => {
  const world = new World({
    extractor: fromCustom({
      extract: (request) => request.headers("x-sid")[0]?.slice(3),
      source: "header",
      key: "X-Sid",
    }),
  });
  const { headers, session } = await world.client().ask((own) => own.set("n", 1));
  assert.equal(headers.get("x-sid"), session!.token);
  const back = await world.client().ask(() => {}, { headers: { "x-sid": `v1:${session!.token}` } });
  assert.equal(back.session!.get("n"), 1);
});

test("custom: an extractor that throws fails the request, and nothing is opened", async () => {
  const world = new World({
    extractor: fromCustom({
      extract() {
        throw new RangeError("mine");
      },
      source: "other",
      key: "x",
    }),
  });
  const { error, calls } = await world.client().ask();
  assert.equal(error?.name, "RangeError");
  assert.deepEqual(calls, []);
});

test("only readable places: a new session is stored, its token is the application's to hand out", async () => {
  const world = new World({ extractor: fromAuthHeader() });
  const { session, cookies, calls } = await world.client().ask((own) => own.set("n", 1));
  assert.deepEqual([calls, cookies], [["create"], []]);
  const back = await world.client().ask(() => {}, { headers: { authorization: `Bearer ${session!.token}` } });
  assert.equal(back.session!.get("n"), 1);
});
