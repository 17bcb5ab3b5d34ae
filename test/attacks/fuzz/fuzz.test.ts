import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCookie } from "cookie";
import fc from "fast-check";
import { fromForm } from "holdfast";
import { readCookie } from "#dist/cookie/cookie.js";
import { viewOf } from "../../unit/world.js";
import { keptByBrowsers } from "./browser-model.js";
import { DIFFERENCES } from "./corpus.js";
import { countedObject, CountedText } from "./counted.js";
import { lines } from "./lines.js";
import { MUTANTS } from "./mutants.js";
import { HOLDFAST, type Subject } from "./subject.js";
import { fuzz, TARGETS } from "./targets.js";

/** Some seconds of `npm run fuzz`, always the same; and proof that each of its properties can fail. */

const RUNS = 300_000;
const SEED = 20_261;

for (const target of TARGETS) {
  test(`fuzz: ${target.name}`, (t) => {
    const { runs, error } = fuzz(target, Math.round((RUNS * target.share) / 1000), SEED);
    t.diagnostic(`${runs} inputs`);
    assert.equal(error, undefined);
  });
}

test("fuzz: the form extractor, with any result of a body parser", async () => {
  const member = fc.oneof(fc.string(), fc.array(fc.string()), fc.anything());
  const fields = fc.option(fc.array(fc.tuple(fc.constantFrom("sid", "__proto__", "other"), member)), {
    nil: undefined,
  });
  await fc.assert(
    fc.asyncProperty(fields, async (pairs) => {
      const made = pairs && new Map<string, unknown>(pairs);
      const found = await fromForm("sid").find({ ...viewOf(), form: () => made });
      const value = made?.get("sid");
      assert.equal(found?.value, typeof value === "string" && value !== "" ? value : undefined);
    }),
    { numRuns: 3000, seed: SEED },
  );
});

test("the shares of the targets are all there is", () => {
  assert.equal(
    TARGETS.reduce((sum, { share }) => sum + share, 0),
    1000,
  );
});

for (const [name, { target, wrong }] of Object.entries(MUTANTS)) {
  test(`fuzz catches ${name}`, () => {
    const { error } = fuzz(target, 20_000, SEED, { ...HOLDFAST, ...wrong });
    assert.ok(error !== undefined, `${target.name} does not notice`);
  });
}

test("every target has a mutant that it must catch", () => {
  const caught = new Set(Object.values(MUTANTS).map(({ target }) => target));
  assert.deepEqual(
    TARGETS.filter((one) => !caught.has(one)).map(({ name }) => name),
    [],
  );
});

test("the differences between the scanner and the cookie package are those that are written down", () => {
  for (const { header, name, ours, theirs, why } of DIFFERENCES) {
    assert.deepEqual([readCookie(header, name).first, parseCookie(header)[name]], [ours, theirs], why);
    assert.notEqual(ours, theirs);
  }
});

test("every line of the corpus that the writer makes is one that browsers keep, whole", () => {
  const all = lines();
  assert.ok(all.length > 500, String(all.length));
  for (const { line, name, value } of all) {
    const kept = keptByBrowsers(line);
    assert.ok(typeof kept !== "string", line);
    assert.deepEqual([kept.name, kept.value], [name, value]);
  }
});

test("the model of a browser refuses what browsers refuse", () => {
  for (const line of [
    "sid=x\u0000",
    "__Host-sid=x; Path=/",
    "__Host-sid=x; Secure; Path=/app",
    "__Host-sid=x; Secure; Path=/; Domain=a.example",
    "__Secure-sid=x",
    "sid=x; SameSite=None",
    "sid=x; Partitioned",
    `sid=${"x".repeat(4096)}`,
    "=",
  ]) {
    assert.equal(typeof keptByBrowsers(line), "string", line);
  }
});

// linear cost, by counted steps

/** Headers that grow, of the kinds on which scanners go back and forth. */
const GROWING: Readonly<Record<string, (n: number) => string>> = {
  "semicolons alone": (n) => ";".repeat(n),
  "names without a value": (n) => "sid;".repeat(n / 4),
  "names without a value, one with": (n) => `${"sid;".repeat(n / 4)}sid=x`,
  "equals signs alone": (n) => `sid${"=".repeat(n)}`,
  "our cookie again and again": (n) => "sid=x;".repeat(n / 6),
  "other cookies": (n) => `${"a=b; ".repeat(n / 5)}sid=x`,
  "blanks alone": (n) => `${" ".repeat(n)}sid=x`,
  "blanks around": (n) => `sid${" \t".repeat(n / 4)}=${"\t ".repeat(n / 4)}x`,
  "blanks between": (n) => "sid  ;  ".repeat(n / 8),
  "beginnings of the name": (n) => "si".repeat(n / 2),
  quotes: (n) => `sid="${'\\"'.repeat(n / 2)}`,
  "one long value": (n) => `sid=${"x".repeat(n)}`,
};

function stepsOf(read: Subject["readCookie"], header: string): number {
  const counted = new CountedText(header);
  read(counted as unknown as string, "sid");
  return counted.steps;
}

/** Ten times the input, at most eleven times the work; and never more than a few steps for each character. */
function isLinear(read: Subject["readCookie"], grow: (n: number) => string): boolean {
  const [small, large] = [4800, 48_000].map((n) => stepsOf(read, grow(n)));
  return large! <= 11 * small! + 100 && large! <= 8 * grow(48_000).length + 100;
}

for (const [name, grow] of Object.entries(GROWING)) {
  test(`the scanner's work grows as its input does: ${name}`, () =>
    assert.ok(
      isLinear(readCookie, grow),
      `${stepsOf(readCookie, grow(4800))} steps, then ${stepsOf(readCookie, grow(48_000))}`,
    ));
}

test("a scanner that looks for each equals sign from where it stands is found out", () => {
  const backAndForth: Subject["readCookie"] = (header = "", name) => {
    let count = 0;
    for (let start = 0; start <= header.length; ) {
      const at = header.indexOf(";", start);
      const end = at === -1 ? header.length : at;
      const equals = header.indexOf("=", start);
      if (equals !== -1 && equals < end && header.slice(start, equals) === name) count++;
      start = end + 1;
    }
    return { first: undefined, count };
  };
  assert.ok(!isLinear(backAndForth, GROWING["names without a value"]!));
});

const SHAPES: Readonly<Record<string, (n: number) => object>> = {
  "a long list": (n) => Array.from({ length: n }, () => 1),
  "many keys": (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, 1])),
  "lists of lists": (n) => Array.from({ length: n / 10 }, () => [[[[1]]]]),
  "objects of objects": (n) => Array.from({ length: n / 10 }, () => ({ a: { b: { c: 1 } } })),
  "keys with a $": (n) => Array.from({ length: n / 10 }, () => ({ $: { $: 1 } })),
};

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`the value codec's work grows as its input does: ${name}`, () => {
    const [small, large] = [400, 4000].map((n) => {
      const { value, steps } = countedObject(shape(n));
      HOLDFAST.encode(value);
      return steps();
    });
    assert.ok(small! > 100 && large! <= 11 * small!, `${small} steps, then ${large}`);
  });
}

test("what is named twice and twice again ends at the cap, after steps that the cap bounds", () => {
  let doubled: unknown[] = [1];
  for (let i = 0; i < 60; i++) doubled = [doubled, doubled];
  const { value, steps } = countedObject(doubled);
  assert.throws(() => HOLDFAST.encode(value), { code: "too-large" });
  assert.ok(steps() < 10 * 65_536, `${steps()} steps`);
});
