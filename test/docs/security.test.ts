import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./pages.js";

const text = readFileSync(join(root, "docs", "understand", "security.md"), "utf8");
const rows = text
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
const CITED = /`([\w/.-]+\.test\.ts)` › `([^`]+)`/g;

/** The tables whose last column names tests. */
const shown = rows.filter((cells) => cells.at(-1)!.includes("` › `") || cells.at(-1) === "none");

test("every requirement of ASVS 5.0 V7 and V3.3 has its row", () => {
  const numbers = rows.map(([number]) => number!).filter((number) => /^\d+\.\d+\.\d+$/.test(number));
  const counts: Readonly<Record<string, number>> = {
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 3,
    "7.6": 2,
    "3.3": 5,
  };
  const wanted = Object.entries(counts).flatMap(([section, count]) =>
    Array.from({ length: count }, (_, i) => `${section}.${i + 1}`),
  );
  assert.deepEqual(numbers, wanted);
});

test("every test that the tables name is there", () => {
  const cited = shown.flatMap((cells) =>
    [...cells.at(-1)!.matchAll(CITED)].map(([, file, name]) => ({ file: join(root, "test", file!), name: name! })),
  );
  assert.ok(cited.length >= 30);
  const missing = cited.filter(
    ({ file, name }) => !existsSync(file) || !namesOf(file).some((one) => one.includes(name)),
  );
  assert.deepEqual(missing, []);
});

test("a row without a test says who is responsible", () => {
  const unshown = shown.filter((cells) => cells.at(-1) === "none");
  for (const cells of unshown) assert.ok(cells.at(-2)!.length > 10, cells.join(" | "));
  assert.ok(unshown.length < 5);
});

function namesOf(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(/\btest\((["`])(.+?)\1/g)].map(([, , name]) => name!);
}
