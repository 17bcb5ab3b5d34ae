import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { createStore, type SessionEvent, type Storage, type StorageCall } from "holdfast";
import { encrypted } from "holdfast/storage/encrypted";
import { memoryStorage } from "holdfast/storage/memory";
import { storageSuite, testClock } from "holdfast/testing";
import { incidents } from "../support/incidents.js";

const call: StorageCall = { now: 0, signal: new AbortController().signal };
const key = randomBytes(32);

describe("encrypted(memory): the storage contract", () => {
  for (const { name, run } of storageSuite(() => ({ storage: encrypted(memoryStorage(), [key]) }))) test(name, run);
});

/** A store over an encrypted memory, and that memory. */
function world(...keys: (Uint8Array | string)[]) {
  const inner = memoryStorage();
  const events: SessionEvent[] = [];
  const open = (...ring: (Uint8Array | string)[]) =>
    createStore<any>({
      storage: encrypted(inner, ring),
      clock: testClock(),
      onEvent: incidents((event) => events.push(event)),
    });
  return { inner, events, open, store: open(...keys) };
}

async function stored(inner: Storage, id: string) {
  return (await inner.get(`holdfast:${id.slice(3)}`, call))!;
}

test("nothing of a session can be read in the database", async () => {
  const { inner, store } = world(key);
  const session = await store.create({ card: "4242-4242" });
  const { value } = await stored(inner, session.id);
  assert.match(value, /^e1\.[\w-]{8}\.[\w-]+$/);
  for (const secret of ["4242", "card", session.token, "createdAt"])
    assert.ok(
      !Buffer.from(value.split(".")[2]!, "base64url").toString("latin1").includes(secret) && !value.includes(secret),
    );
  assert.equal((await store.getByToken(session.token))!.get("card"), "4242-4242");
});

test("two writes of the same value differ: the nonce is fresh", async () => {
  const { inner, store } = world(key);
  const session = await store.create({ a: 1 });
  const first = (await stored(inner, session.id)).value;
  await session.save();
  assert.notEqual((await stored(inner, session.id)).value, first);
});

test("attack 68: a value moved under another key is no session, and one event", async () => {
  const { inner, events, store } = world(key);
  const [admin, mine] = [await store.create({ user: "admin" }), await store.create({ user: "me" })];
  const mineNow = await stored(inner, mine.id);
  inner.update(
    `holdfast:${mine.id.slice(3)}`,
    { ...mineNow, value: (await stored(inner, admin.id)).value },
    mineNow.version,
    call,
  );
  assert.equal(await store.getByToken(mine.token), undefined);
  assert.deepEqual(
    events.map(({ type }) => type),
    ["unreadable"],
  );
});

test("a bit flipped anywhere, a cut, another key, plain text: no session", async () => {
  const { inner, store, open } = world(key);
  const { id, token } = await store.create({ a: 1 });
  const now = await stored(inner, id);
  const place = `holdfast:${id.slice(3)}`;
  let { version } = now;
  const put = async (value: string) => {
    const written = inner.update(place, { ...now, value }, version, call);
    assert.ok(written);
    version = written.version!;
  };
  const body = Buffer.from(now.value.split(".")[2]!, "base64url");
  for (let i = 0; i < body.length; i++) {
    const flipped = Buffer.from(body);
    flipped[i]! ^= 1 << i % 8;
    await put(`${now.value.split(".").slice(0, 2).join(".")}.${flipped.toString("base64url")}`);
    assert.equal(await store.getByToken(token), undefined, `byte ${i}`);
  }
  for (const value of ["", "e1", "e1..", now.value.slice(0, -4), `e0${now.value.slice(2)}`, "1:abc\n{}"]) {
    await put(value);
    assert.equal(await store.getByToken(token), undefined, value.slice(0, 12));
  }
  await put(now.value);
  assert.equal(await open(randomBytes(32)).getByToken(token), undefined);
  assert.equal((await store.getByToken(token))!.get("a"), 1);
});

test("rotation without downtime: old records open, new writes use the new key, a removed key opens nothing", async () => {
  const { open } = world(key);
  const next = randomBytes(32).toString("base64url");
  const old = await open(key).create({ a: 1 });
  const both = open(next, key);
  const session = (await both.getByToken(old.token))!;
  assert.equal(session.get("a"), 1);
  assert.equal(await open(next).getByToken(old.token), undefined);
  await session.save();
  assert.equal((await open(next).getByToken(old.token))!.get("a"), 1);
});

test("attack 51: weak, short, empty or missing keys are refused at construction, and never shown", () => {
  for (const keys of [
    [],
    [""],
    ["keyboard cat"],
    [new Uint8Array(32)],
    ["a".repeat(64)],
    [randomBytes(31)],
    [undefined],
    undefined,
    [key, null],
  ] as never[]) {
    assert.throws(
      () => encrypted(memoryStorage(), keys),
      (error: Error) =>
        error instanceof TypeError &&
        error.message.startsWith("holdfast: encrypted: keys") &&
        !error.message.includes("keyboard"),
    );
  }
});
