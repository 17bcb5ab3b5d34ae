import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

/** A regular expression as it stands in source text, after a sign that begins an expression. */
const LITERAL = /(?<=[=(,:!&|?>[]\s*|return\s+)\/((?:[^/\\\n[*]|\\.|\[(?:[^\]\\\n]|\\.)*\])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])*)\/([dgimsuvy]*)/g;

const dist = new URL("../../dist/", import.meta.url);

function literals(): { where: string; regexp: RegExp }[] {
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  return files.flatMap((name) => {
    const source = readFileSync(new URL(name, dist), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    return [...source.matchAll(LITERAL)].map(([, pattern, flags]) => ({ where: `${name}: /${pattern}/`, regexp: new RegExp(pattern!, flags!.replace("g", "")) }));
  });
}

/** Texts on which expressions with overlapping repetitions go back and forth. */
const REPEATED = ["a", "A", "0", " ", "\t", "-", ".", ":", ",", ";", "=", "/", "_", '"', "\\", "a.", "a-", "a:", "a,", "a b", "0.", "1:", "s-maxage=", "private,", "proto=", "127.", "/a", "\n", "\u0000", "é", "😀"];
const ENDS = ["", "!", "\n", " x", ".localhost!", "\u0000"];

test("attack 111: every regular expression of the library is linear: 20 KB of its worst is nothing", () => {
  const all = literals();
  assert.ok(all.length >= 20, `only ${all.length} found`);
  for (const { where, regexp } of all) {
    for (const part of REPEATED) {
      for (const end of ENDS) {
        const text = part.repeat(20_000 / part.length) + end;
        const start = performance.now();
        regexp.test(text);
        const took = performance.now() - start;
        assert.ok(took < 250, `${where} took ${took} ms on ${JSON.stringify(part)}…${JSON.stringify(end)}`);
      }
    }
  }
});

test("the check finds what it looks for", () => {
  const [found] = [...'const BAD = /^(?:a+)+$/i;'.matchAll(LITERAL)];
  const start = performance.now();
  new RegExp(found![1]!).test(`${"a".repeat(27)}!`);
  assert.ok(performance.now() - start > 250, "an expression that is not linear is slow");
});
