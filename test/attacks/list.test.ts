import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { fromAuthHeader, fromCookie, fromCustom, fromForm, fromHeader, fromParam, fromQuery } from "holdfast";
import { ATTACKED, PLACES } from "./everywhere.js";
import { STORAGES } from "./opened-storages.js";

/** The list is whole, and it cannot be green by mistake. */

interface Attack {
  readonly number: number;
  readonly title: string;
  readonly across?: readonly string[];
  readonly notBuilt?: string;
}
type Words = Readonly<Record<string, readonly string[]>>;
interface Result {
  readonly path: readonly string[];
  readonly file: string;
  readonly outcome: "passed" | "failed" | "skipped";
}
interface Script {
  attacksOf(name: string): number[];
  readList(): { words: Words; attacks: readonly Attack[] };
  faultsOf(list: { words: Words; attacks: readonly Attack[] }): string[];
  judge(attack: Attack, words: Words, results: readonly Result[]): { outcome: string; why?: readonly string[] };
}

const { attacksOf, readList, faultsOf, judge } = (await import(
  new URL("../../scripts/attacks.mjs", import.meta.url).href
)) as Script;
const root = fileURLToPath(new URL("../../", import.meta.url));
const list = readList();

test("every number of the list exists once, with its title", () => {
  assert.deepEqual(faultsOf(list), []);
  assert.equal(list.attacks.length, 122);
});

test("the adapters, extractors and storages that must be attacked are all there are", () => {
  const made = [
    fromCookie(),
    fromHeader("X"),
    fromAuthHeader(),
    fromQuery("q"),
    fromParam("p"),
    fromForm("f"),
    fromCustom({ extract: () => undefined, source: "other", key: "x" }),
  ];
  assert.deepEqual(
    list.words["adapters"],
    ATTACKED.map(([name]) => name),
  );
  assert.deepEqual(
    list.words["extractors"],
    made.map(({ source }) => source),
  );
  assert.deepEqual(Object.keys(PLACES), list.words["extractors"]);
  const exported = Object.keys(
    (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { exports: object }).exports,
  ).flatMap((name) => /^\.\/storage\/(.+)$/.exec(name)?.[1] ?? []);
  assert.deepEqual(Object.keys(STORAGES).sort(), exported.sort());
  assert.deepEqual([...list.words["storages"]!, "encrypted", "observed"].sort(), exported);
});

test("each attack on what is built has a test that is named after it, and none on what is not", () => {
  const sources = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(root, "test", name), "utf8"));
  const named = new Set(
    sources.flatMap((source) =>
      [...source.matchAll(/[(\s,](?:name: )?["'`](attacks? [\d–, ]+: )/g)].flatMap(([, name]) => attacksOf(name!)),
    ),
  );
  for (const made of [17, 18, 19, 20, 21, 22, 23, 24, 25]) named.add(made);
  const wrong = list.attacks
    .filter(({ number, notBuilt }) => named.has(number) === (notBuilt !== undefined))
    .map(({ number }) => number);
  assert.deepEqual(wrong, []);
});

test("names are read as they are meant", () => {
  assert.deepEqual(attacksOf("attack 29: of several"), [29]);
  assert.deepEqual(attacksOf("attacks 1–3, 7: x"), [1, 2, 3, 7]);
  for (const other of ["an attack 29: x", "attack: x", "attack 29 x", "attacks a: x"])
    assert.deepEqual(attacksOf(other), [], other);
});

const WORDS: Words = { adapters: ["node", "koa"] };
const result = (outcome: Result["outcome"], ...path: string[]): Result => ({ path, file: "a.test.js", outcome });

test("an attack passes only where a test of its number passed, on all it must be tried on, and none failed", () => {
  const attack: Attack = { number: 1, title: "an attack", across: ["adapters"] };
  const [on, off] = [result("passed", "attack 1: x", "node"), result("passed", "attack 1: x", "koa")];
  assert.equal(judge(attack, WORDS, [on, off]).outcome, "passed");
  assert.equal(judge(attack, WORDS, [on, result("skipped", "attack 1: x", "koa")]).outcome, "passed");
  assert.deepEqual(judge(attack, WORDS, [on]).why, ["not tried on koa"]);
  assert.equal(judge(attack, WORDS, [on, off, result("failed", "attacks 1, 2: y")]).outcome, "FAILED");
  assert.equal(judge(attack, WORDS, []).outcome, "FAILED");
  assert.equal(judge({ number: 1, title: "an attack" }, WORDS, [result("skipped", "attack 1: x")]).outcome, "FAILED");
  assert.equal(
    judge(attack, WORDS, [result("passed", "attack 12: x", "node"), result("passed", "attack 11: x", "koa")]).outcome,
    "FAILED",
  );
});

test("what is not built has a reason and no tests", () => {
  const attack: Attack = { number: 1, title: "an attack", notBuilt: "a part" };
  assert.equal(judge(attack, WORDS, []).outcome, "not built");
  assert.equal(judge(attack, WORDS, [result("passed", "attack 1: x")]).outcome, "FAILED");
});

test("a list with a number missing, twice, without title or reason is faulty", () => {
  const without = (number: number): readonly Attack[] => list.attacks.filter((attack) => attack.number !== number);
  for (const attacks of [
    without(77),
    [...list.attacks, list.attacks[0]!],
    [...without(5), { number: 5, title: "" }],
    [...without(5), { number: 5, title: "an attack", notBuilt: "" }],
    [...without(5), { number: 5, title: "an attack", across: ["planets"] }],
  ]) {
    assert.equal(faultsOf({ ...list, attacks }).length, 1);
  }
});
