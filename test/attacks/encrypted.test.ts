import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import { createStore, type SessionEvent, type Store } from "holdfast";
import { encrypted } from "holdfast/storage/encrypted";
import { memoryStorage } from "holdfast/storage/memory";
import { testClock } from "holdfast/testing";
import { incidents } from "../support/incidents.js";

/** What somebody who can write to the database tries on encrypted values. */

const [KEY, OTHER] = [randomBytes(32), randomBytes(32)];
const call = { now: 0, signal: new AbortController().signal };

interface Vault {
  readonly store: Store<any>;
  readonly events: SessionEvent[];
  read(id: string): string;
  /** Puts a value under the key of an id; answers whether the session still opens, or what it throws. */
  opensWith(id: string, token: string, value: string): Promise<boolean>;
}

function vault(
  keys: readonly (Uint8Array | string)[] = [KEY],
  inner = memoryStorage(),
  namespace = "holdfast",
): Vault {
  const events: SessionEvent[] = [];
  const store = createStore<any>({
    storage: encrypted(inner, keys),
    namespace,
    clock: testClock(),
    onEvent: incidents((event) => events.push(event)),
  });
  const keyOf = (id: string): string => `${namespace}:${id.slice(3)}`;
  return {
    store,
    events,
    read: (id) => inner.get(keyOf(id))!.value,
    async opensWith(id, token, value) {
      const { version, expiresAt } = inner.get(keyOf(id))!;
      inner.update(keyOf(id), { value, expiresAt }, version, call);
      return (await store.getByToken(token)) !== undefined;
    },
  };
}

function parts(value: string): { format: string; name: string; body: Buffer } {
  const [format = "", name = "", body = ""] = value.split(".");
  return { format, name, body: Buffer.from(body, "base64url") };
}

test("attack 44: every bit of nonce, ciphertext and tag flipped: the same refusal each time", async () => {
  const { store, events, read, opensWith } = vault();
  const { id, token } = await store.create({ user: "ann" });
  const { format, name, body } = parts(read(id));
  for (let bit = 0; bit < body.length * 8; bit++) {
    const flipped = Buffer.from(body);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(
      await opensWith(id, token, `${format}.${name}.${flipped.toString("base64url")}`),
      false,
      `bit ${bit}`,
    );
  }
  assert.equal(events.length, body.length * 8);
  const said = new Set(events.map(({ type, cause }) => `${type} ${String(cause)}`));
  assert.equal(said.size, 1, [...said].join("\n"));
});

test("attack 45: cut at every character, extended, empty, only the beginning: no session", async () => {
  const { store, events, read, opensWith } = vault();
  const { id, token } = await store.create({ user: "ann" });
  const value = read(id);
  for (let length = 0; length < value.length; length++)
    assert.equal(await opensWith(id, token, value.slice(0, length)), false, `${length} characters`);
  for (const longer of [
    `${value}AAAA`,
    `${value}${value}`,
    `e1.${value}`,
    `${value.split(".")[0]}.${value.split(".")[1]}.AAAA${value.split(".")[2]}`,
  ])
    assert.equal(await opensWith(id, token, longer), false);
  assert.ok(events.every(({ type }) => type === "unreadable"));
  assert.equal(await opensWith(id, token, value), true);
});

test("attack 46: another format, an older one, or none at all, is not opened by a weaker rule", async () => {
  const { store, read, opensWith } = vault();
  const { id, token } = await store.create({ user: "ann" });
  const rest = read(id).slice(2);
  for (const format of ["e0", "e2", "e", "E1", "none", "", "1", "e01", "e1 "])
    assert.equal(await opensWith(id, token, `${format}${rest}`), false, format);
});

test("attack 47: a plain, encoded or packed record where encryption is on is no session", async () => {
  const plain = createStore<any>({ storage: memoryStorage(), clock: testClock() });
  const { store, opensWith } = vault();
  const { id, token } = await store.create({ user: "ann" });
  await plain.create({ user: "eve" });
  const inner = memoryStorage();
  const open = createStore<any>({ storage: inner, clock: testClock(), keyGenerator: () => token });
  await open.create({ user: "eve" });
  const forged = inner.get(`holdfast:${id.slice(3)}`)!.value;
  for (const value of [
    forged,
    JSON.stringify({ user: "eve" }),
    Buffer.from(forged).toString("base64url"),
    gzipSync(forged).toString("base64url"),
    `e1..${Buffer.from(forged).toString("base64url")}`,
  ]) {
    assert.equal(await opensWith(id, token, value), false, value.slice(0, 20));
  }
});

test("attack 48: a value of another session, another application or another tenant is no session here", async () => {
  const shop = vault([KEY], memoryStorage(), "shop");
  const blog = vault([KEY], memoryStorage(), "blog");
  const [mine, theirs] = [await shop.store.create({ who: "mine" }), await shop.store.create({ who: "theirs" })];
  const elsewhere = await blog.store.create({ who: "elsewhere" });
  const own = shop.read(mine.id);
  assert.equal(await shop.opensWith(mine.id, mine.token, shop.read(theirs.id)), false);
  assert.equal(await shop.opensWith(mine.id, mine.token, blog.read(elsewhere.id)), false);
  assert.equal(await shop.opensWith(mine.id, mine.token, own), true);
});

test("attack 49: unknown key names, or names like paths, URLs or properties, decrypt nothing and are not looked up elsewhere", async () => {
  const { store, read, opensWith } = vault();
  const { id, token } = await store.create({ user: "ann" });
  const [format, , body] = read(id).split(".");
  for (const name of [
    "",
    "AAAAAAAA",
    "__proto__",
    "constructor",
    "0",
    "../../etc/passwd",
    "http://127.0.0.1/key",
    "toString",
  ])
    assert.equal(await opensWith(id, token, `${format}.${name}.${body}`), false, name);
});

test("attack 50: rotation: values of the old key are decrypted and encrypted with the new key at the next write; a removed key decrypts nothing; the order of the ring does not matter", async () => {
  const inner = memoryStorage();
  const [old, both, swapped, next] = [
    vault([KEY], inner),
    vault([OTHER, KEY], inner),
    vault([KEY, OTHER], inner),
    vault([OTHER], inner),
  ];
  const { id, token } = await old.store.create({ n: 1 });
  assert.equal((await both.store.getByToken(token))!.get("n"), 1);
  assert.equal(await next.store.getByToken(token), undefined);
  await both.store.edit(id, (session) => session.set("n", 2));
  for (const one of [both, swapped, next]) assert.equal((await one.store.getByToken(token))!.get("n"), 2);
  assert.equal(await old.store.getByToken(token), undefined);
  for (const bad of [
    [KEY, null],
    [KEY, ""],
    [undefined, KEY],
    [KEY, undefined],
  ] as never[])
    assert.throws(() => encrypted(inner, bad), TypeError);
});
