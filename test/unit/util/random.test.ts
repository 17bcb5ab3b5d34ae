import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createStore } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";

const { crypto } = globalThis;
const real = crypto.getRandomValues;
afterEach(() => void (crypto.getRandomValues = real));

/** A fresh copy of the module, so that no block drawn before hides the generator. */
let copies = 0;
async function fresh(): Promise<(count: number) => string> {
  const { href } = new URL(`../../../dist/util/bytes.js?copy=${++copies}`, import.meta.url);
  return ((await import(href)) as { randomText(count: number): string }).randomText;
}

function generator(fill: (bytes: Uint8Array) => Uint8Array): void {
  crypto.getRandomValues = ((bytes: Uint8Array) => fill(bytes)) as typeof real;
}

test("random strings have the requested length, are base64url, and do not repeat", async () => {
  const randomText = await fresh();
  const texts = new Set(Array.from({ length: 5000 }, () => randomText(32)));
  assert.equal(texts.size, 5000);
  for (const text of texts) assert.match(text, /^[\w-]{43}$/);
  assert.match(randomText(5), /^[\w-]{7}$/);
});

test("every bit of a token is drawn: over many, each place shows every letter it can", async () => {
  const randomText = await fresh();
  const seen = Array.from({ length: 43 }, () => new Set<string>());
  for (let i = 0; i < 3000; i++) for (const [at, letter] of [...randomText(32)].entries()) seen[at]!.add(letter);
  for (const [at, letters] of seen.entries()) assert.equal(letters.size, at === 42 ? 16 : 64, `place ${at}`);
});

test("attack 16: the generator throws: so does the creation", async () => {
  const randomText = await fresh();
  generator(() => {
    throw new Error("no entropy");
  });
  assert.throws(() => randomText(32), /no entropy/);
});

test("attack 16: the generator returns zeros, or leaves the bytes unchanged: the creation throws", async () => {
  const randomText = await fresh();
  generator((bytes) => bytes.fill(0));
  assert.throws(() => randomText(32), /zeros/);
  generator((bytes) => bytes);
  assert.throws(() => randomText(32), /zeros/);
});

test("attack 16: the generator returns too few bytes: the creation throws", async () => {
  const randomText = await fresh();
  generator((bytes) => real.call(crypto, bytes).slice(0, 16) as unknown as Uint8Array);
  assert.throws(() => randomText(32), /too few bytes/);
});

test("attack 16: a failure leaves no partially used block", async () => {
  const randomText = await fresh();
  generator((bytes) => bytes.fill(0));
  assert.throws(() => randomText(32));
  assert.throws(() => randomText(32));
  crypto.getRandomValues = real;
  assert.match(randomText(32), /^[\w-]{43}$/);
});

test("attack 16: a store over a broken generator stores nothing", async () => {
  const storage = memoryStorage();
  const store = createStore<{ n: number }>({ storage });
  generator((bytes) => bytes.fill(0));
  const failures = await Promise.allSettled(Array.from({ length: 64 }, () => store.create({ n: 1 })));
  const failed = failures.filter(({ status }) => status === "rejected").length;
  assert.ok(failed > 0, "once the block that was drawn before is used up");
  assert.equal(storage.size, 64 - failed);
});

test("importing and constructing draws no random byte", async () => {
  let draws = 0;
  generator((bytes) => (draws++, real.call(crypto, bytes) as unknown as Uint8Array));
  await fresh();
  createStore({ storage: memoryStorage() });
  assert.equal(draws, 0);
});
