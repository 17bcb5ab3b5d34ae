import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import { createStore } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { customToken, drawWriteId, hashOf, hashOfId, idOf, randomToken } from "#dist/session/token.js";
import { codeOf, World } from "../world.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

test("tokens are 43 letters of base64url for 32 bytes, and fit their own shape", () => {
  for (let i = 0; i < 500; i++) {
    const token = randomToken.draw();
    assert.equal(Buffer.from(token, "base64url").length, 32);
    assert.ok(randomToken.fits(token));
  }
});

test("attack 21: of all spellings of the same bytes exactly one fits", () => {
  const token = randomToken.draw();
  const bytes = Buffer.from(token, "base64url");
  const twins = [...ALPHABET]
    .map((last) => token.slice(0, 42) + last)
    .filter((twin) => Buffer.from(twin, "base64url").equals(bytes));
  assert.equal(twins.length, 4);
  assert.deepEqual(
    twins.filter((twin) => randomToken.fits(twin)),
    [token],
  );
  for (const twin of [
    `${token}=`,
    `${token}A`,
    token.replaceAll("-", "+").replaceAll("_", "/"),
    ` ${token}`,
    `${token}\n`,
    token.slice(1),
  ]) {
    if (twin !== token) assert.equal(randomToken.fits(twin), false, JSON.stringify(twin));
  }
});

test("attack 21: a token that differs in spelling from a live session's is invalid", async () => {
  const world = new World();
  const { token } = await world.store.create({ n: 1 });
  const last = ALPHABET.indexOf(token[42]!);
  for (let bits = 1; bits < 4; bits++) {
    const twin = token.slice(0, 42) + ALPHABET[last + bits]!;
    assert.equal(await world.store.getByToken(twin), undefined);
  }
});

/** A text of which nothing may be read but its length. */
const unread = (length: number): string =>
  new Proxy(Object.create(null) as object, {
    get(_, key) {
      if (key === "length") return length;
      throw new Error(`${String(key)} was read`);
    },
  }) as unknown as string;

test("attack 18: lengths other than 43 are refused before anything is read or hashed, also a megabyte of them", () => {
  for (const length of [0, 1, 42, 44, 4096, 1_000_000])
    assert.equal(randomToken.fits(unread(length)), false, String(length));
  const custom = customToken(() => "");
  for (const length of [257, 4096, 1_000_000]) assert.equal(custom.fits(unread(length)), false, String(length));
  for (const length of [0, 1, 15]) assert.equal(custom.fits("A".repeat(length)), false, String(length));
  assert.throws(() => randomToken.fits(unread(43)), /was read/);
});

test("attack 101: an id is a hash of the token with a visible prefix, and is not accepted as a token", async () => {
  const world = new World();
  const { id, token } = await world.store.create({ n: 1 });
  assert.equal(id, `id_${createHash("sha256").update(token).digest("base64url")}`);
  assert.equal(await world.store.getByToken(id), undefined);
  assert.equal(await world.store.getByToken(id.slice(3)), undefined);
});

test("attack 101: a token passed as an id is a TypeError that does not repeat it", async () => {
  const world = new World();
  const { token, id } = await world.store.create({ n: 1 });
  for (const call of [
    () => world.store.getById(token),
    () => world.store.delete(token),
    () => world.store.edit(token, () => {}),
  ]) {
    await assert.rejects(
      call(),
      (error: Error) =>
        error instanceof TypeError && !inspect(error).includes(token) && /getByToken/.test(error.message),
    );
  }
  for (const bad of ["", "id_", `${id}x`, `ID_${id.slice(3)}`, undefined, null, 5, {}, [id]])
    assert.throws(() => hashOfId(bad), TypeError, String(bad));
  assert.equal(hashOfId(id), hashOf(token));
  assert.equal(idOf(hashOf(token)), id);
});

test("attack 99: no storage key, and nothing stored, contains a token", async () => {
  const world = new World();
  const { token, id } = await world.store.create({ n: 1 });
  await world.store.edit(id, (session) => session.set("m", 1));
  assert.ok(!JSON.stringify(world.storage.calls).includes(token));
  for (const { key } of world.storage.calls) assert.match(key, /^holdfast:[\w-]{43}$/);
});

test("a generator's tokens are 16 to 256 letters; anything else is bad-generator, without repeating it", async () => {
  for (const bad of [
    "",
    "x".repeat(15),
    "x".repeat(257),
    "ö".repeat(20),
    "with blank in the middle",
    "semi;colon;semi;colon",
    "new\nline\nnew\nline\n",
    5,
    null,
    undefined,
    {},
    Promise.resolve("x".repeat(20)),
  ]) {
    const source = customToken(() => bad as string);
    assert.equal(await codeOf(() => source.draw()), "bad-generator", String(bad));
    if (typeof bad === "string" && bad !== "")
      assert.throws(
        () => source.draw(),
        (error: Error) => !error.message.includes(bad),
      );
  }
  for (const good of ["x".repeat(16), "x".repeat(256), "AZaz09._~-AZaz09"])
    assert.equal(customToken(() => good).draw(), good);
});

test("with a generator its shape is that of incoming tokens", async () => {
  let count = 0;
  const world = new World({ keyGenerator: () => `user-${String(++count).padStart(16, "0")}` });
  const { token } = await world.store.create({ n: 1 });
  assert.equal(token, "user-0000000000000001");
  assert.equal((await world.store.getByToken(token))?.get("n"), 1);
  world.storage.forget();
  assert.equal(await world.store.getByToken("too short"), undefined);
  assert.deepEqual(world.storage.calls, []);
});

test("attack 15: a generator that repeats itself is an error, never an adoption", async () => {
  const world = new World({ keyGenerator: () => "always-the-same-token" });
  await world.store.create({ n: 1 });
  await assert.rejects(world.store.create({ n: 2 }), { code: "bad-generator" });
  const { error, cookies } = await world.client().ask((session) => session.set("n", 3));
  assert.deepEqual([error?.code, cookies], ["bad-generator", []]);
  assert.equal((await world.store.getByToken("always-the-same-token"))?.get("n"), 1);
});

test("attack 15: renewing to the same token is an error, and the session is unchanged", async () => {
  const world = new World({ keyGenerator: () => "always-the-same-token" });
  const { token } = await world.store.create({ n: 1 });
  const { error } = await world.client().ask((session) => session.regenerate(), { cookie: `session_id=${token}` });
  assert.equal(error?.code, "bad-generator");
  assert.equal((await world.store.getByToken(token))?.get("n"), 1);
});

test("a generator that throws fails the method that needs it, and nothing is stored", async () => {
  const storage = memoryStorage();
  const store = createStore<{ n: number }>({
    storage,
    keyGenerator() {
      throw new RangeError("mine");
    },
  });
  await assert.rejects(store.create({ n: 1 }), RangeError);
  assert.equal(storage.size, 0);
});

test("write ids are six letters and differ", () => {
  const ids = new Set(Array.from({ length: 2000 }, drawWriteId));
  assert.ok(ids.size > 1990);
  for (const id of ids) assert.match(id, /^[\w-]{6}$/);
});
