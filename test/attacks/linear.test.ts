import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { tried } from "./backtracking.js";

/** A regular expression as it stands in source text, after a sign that begins an expression. */
const LITERAL =
  /(?<=[=(,:!&|?>[]\s*|return\s+)\/((?:[^/\\\n[*]|\\.|\[(?:[^\]\\\n]|\\.)*\])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])*)\/([dgimsuvy]*)/g;

const dist = new URL("../../dist/", import.meta.url);

function literals(): { where: string; regexp: RegExp }[] {
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  return files.flatMap((name) => {
    const source = readFileSync(new URL(name, dist), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    return [...source.matchAll(LITERAL)].map(([, pattern, flags]) => ({
      where: `${name}: /${pattern}/`,
      regexp: new RegExp(pattern!, flags!.replace("g", "")),
    }));
  });
}

/** Strings on which expressions with overlapping repetitions go back and forth. */
const REPEATED = [
  "a",
  "A",
  "0",
  " ",
  "\t",
  "-",
  ".",
  ":",
  ",",
  ";",
  "=",
  "/",
  "_",
  '"',
  "\\",
  "a.",
  "a-",
  "a:",
  "a,",
  "a b",
  "0.",
  "1:",
  "s-maxage=",
  "private,",
  "proto=",
  "127.",
  "/a",
  "\n",
  "\u0000",
  "é",
  "😀",
];
const ENDS = ["", "!", "\n", " x", ".localhost!", "\u0000"];
const BEGINNINGS = ["", "s-maxage", "application/x-www-form-urlencoded", "."];

const [SMALL, LARGE] = [500, 2000];
/** Steps for each character that no expression may take. */
const MOST = 60;

/**
 * Whether four times the text takes about four times the steps, on every text; or the text on which it takes more.
 */
function worstOf(regexp: RegExp): string | undefined {
  for (const beginning of BEGINNINGS) {
    for (const part of REPEATED) {
      for (const end of ENDS) {
        const text = (length: number): string => beginning + part.repeat(length / part.length) + end;
        const small = tried(regexp, text(SMALL), MOST * SMALL).steps;
        const cap = Math.min(Math.max(6 * small, 3 * LARGE), MOST * LARGE);
        if (tried(regexp, text(LARGE), cap).steps > cap)
          return `${small} steps for ${SMALL}, more than ${cap} for ${LARGE} of ${JSON.stringify(beginning)} ${JSON.stringify(part)}… ${JSON.stringify(end)}`;
      }
    }
  }
  return undefined;
}

test("attack 111: every regular expression of the library takes steps in proportion to its input, on inputs that cause backtracking", () => {
  const all = literals();
  assert.ok(all.length >= 20, `only ${all.length} found`);
  for (const { where, regexp } of all) assert.equal(worstOf(regexp), undefined, where);
});

test("attack 111: a megabyte of the worst comes to an end in every expression", () => {
  for (const { regexp } of literals()) {
    for (const part of REPEATED)
      assert.equal(typeof regexp.test(`${part.repeat(1_000_000 / part.length)}!`), "boolean");
  }
});

test("the check finds what it looks for", () => {
  const [found] = [..."const BAD = /^(?:a+)+$/i;".matchAll(LITERAL)];
  assert.equal(found![1], "^(?:a+)+$");
  for (const bad of [/^(?:a+)+$/i, /^(?:a|a)*$/, /^(?:a|aa)+$/, /a*a*!x/, /\s+$/, /^.*.*x$/, /(?:\.a*)*y$/])
    assert.notEqual(worstOf(bad), undefined, String(bad));
});

test("the machine fits what the real one fits", () => {
  const cases = literals().map(({ regexp }) => regexp);
  const texts = [
    "",
    "a",
    "abc",
    "localhost:80",
    "127.0.0.1",
    "a.b.localhost",
    "[::1]:3",
    "s-maxage = 5",
    "private",
    "x, public",
    "1:zz\n",
    "30m",
    "1.5h",
    "id_",
    "a.com",
    ".a-b.com",
    "-a.com",
    "/a b",
    "__Host-x",
    "PRIMARY'",
    "0".repeat(64),
    "A".repeat(43),
    `id_${"A".repeat(43)}`,
    "application/x-www-form-urlencoded ; a",
  ];
  for (const regexp of cases) {
    for (const text of texts)
      assert.equal(tried(regexp, text).fits, regexp.test(text), `${regexp} on ${JSON.stringify(text)}`);
  }
});
