import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./source.js";

/** The files and folders that are written in plain words: the sources, and every page. */
const CHECKED = [
  "src",
  "docs",
  "decisions",
  "README.md",
  "SECURITY.md",
  "ARCHITECTURE.md",
  "examples/README.md",
  "test/README.md",
];

/**
 * Phrases that readers have to guess, each with the plain words to use instead. They are searched for in prose: in
 * comments and strings of sources, and in the text of pages, but not in code.
 */
const FORBIDDEN: readonly (readonly [phrase: RegExp, instead: string])[] = [
  [/\banswer(s|ed|ing)?\b/i, "a function returns, a promise resolves, HTTP has responses"],
  [/\b(is|are|was|were|been|be) told\b|\btells? (it|them|nobody|the client)\b/i, "receives, is sent, is called with"],
  [/\bstands?\b|\bstood\b/i, "is, is stored, exists"],
  [/\bbrings?\b|\bbrought\b/i, "contains, returns, saves"],
  [/\bwhoever\b|\bnobody\b|\bsomebody\b|\banybody\b|\beverybody\b/i, "name the caller, client, user or request"],
  [/\bby hand\b/i, "explicitly, without the middleware"],
  [/\bof (its|their|your|our|a \w+'s) own\b/i, "its own …, a separate …"],
  [/\bwhere (there (is|are)|it is|that is|this is|nothing|none)\b/i, "if"],
  [/\bthat (is|are) none\b/i, "is not a …, does not exist"],
  [/\blands?\b|\blanded\b/i, "arrives, is stored"],
  [/\bverbs?\b/i, "method"],
  [/\bsign(s|ed|ing)?[ -](in|out)\b/i, "log in, log out"],
  [/\ba text\b|\btexts\b/i, "a string"],
  [/\bbehind (its|their) back\b|\bat hand\b|\blooked? after\b/i, "say what happens"],
  [/\banew\b/i, "again, new"],
  [/\bword for\b|\bmeant differences?\b/i, "say what is not supported, intended difference"],
  [/\bteach(es)?\b|\bdumb\b|\bdrawn\b/i, "registers, simple, generated"],
];

test("the glossary has at most 25 entries, one line each", () => {
  const [, section = ""] = readFileSync(join(root, "ARCHITECTURE.md"), "utf8").split("\n## Glossary\n");
  const lines = section.split("\n## ")[0]!.trim().split("\n");
  for (const line of lines) assert.match(line, /^- \*\*[a-z -]+\*\*: .+$/);
  assert.ok(lines.length > 10 && lines.length <= 25, `${lines.length} entries`);
});

for (const path of CHECKED) {
  test(`${path} contains no phrase that readers have to guess`, () => {
    const found = filesOf(path).flatMap((file) => phrasesIn(file, readFileSync(join(root, file), "utf8")));
    assert.deepEqual(found, []);
  });
}

test("a phrase is found in a comment, a string, a template and a page, and ignored in code", () => {
  const code = [
    "/** The session stands here. */",
    'import { answer } from "./answer.js";',
    'const verb = "by hand"; // brings it',
    "const c = `whoever ${answer(verb)}`;",
    "/** `answerIn` and `answered` are names. */",
    'throw new SessionError("answered", "no");',
  ].join("\n");
  const linesOf = (found: readonly string[]): string[] => found.map((one) => one.split(" ")[0]!);
  assert.deepEqual(linesOf(phrasesIn("x.ts", code)), ["x.ts:1", "x.ts:3", "x.ts:3", "x.ts:4"]);
  const page = "It stands here.\n```ts\nconst verb = 1;\n```\n`answered` is a code, [a page](answers.md).\n";
  assert.deepEqual(linesOf(phrasesIn("x.md", page)), ["x.md:1"]);
});

function filesOf(path: string): string[] {
  if (statSync(join(root, path)).isFile()) return [path];
  return readdirSync(join(root, path), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|md)$/.test(name) && !/(^|[\\/])\./.test(name))
    .map((name) => `${path}/${name.replaceAll("\\", "/")}`)
    .sort();
}

/** Every forbidden phrase of a file, as `file:line "phrase": what to write instead`. */
function phrasesIn(file: string, text: string): string[] {
  const prose = file.endsWith(".md") ? proseOfPage(text) : proseOfSource(text);
  return prose.flatMap(({ line, text: part }) =>
    FORBIDDEN.flatMap(([phrase, instead]) => {
      const match = phrase.exec(part);
      return match ? [`${file}:${line} "${match[0]}": ${instead}`] : [];
    }),
  );
}

interface Prose {
  readonly line: number;
  readonly text: string;
}

/** A comment, a string or a template; a regular expression is skipped, since it may contain quotes. */
const PARTS =
  /\/\*[\s\S]*?\*\/|\/\/.*|(?<=[=(,:[!&|?\s])\/(?![/*\s])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g;

/** Strings without a blank are names: of a module, an error code, a member of a union. */
const NAMES = /^["'][^\s]*["']$/;

function proseOfSource(text: string): Prose[] {
  return [...text.matchAll(PARTS)].flatMap(({ 0: part, index }) => {
    if (/^\/[^/*]/.test(part) || NAMES.test(part)) return [];
    const first = text.slice(0, index).split("\n").length;
    const isTemplate = part.startsWith("`");
    const words = isTemplate ? part.replace(/\$\{[^}]*\}/g, "…") : withoutCode(part.replace(/^\s*\*/gm, ""));
    return lines(words, first);
  });
}

function proseOfPage(text: string): Prose[] {
  const blank = (part: string): string => part.replace(/[^\n]/g, "");
  return lines(withoutCode(text.replace(/^```[\s\S]*?^```/gm, blank)), 1);
}

/** Without code between back quotes, comments of pages, and the targets of links. */
function withoutCode(text: string): string {
  return text
    .replace(/```[\s\S]*?```|`[^`]*`/g, (part) => part.replace(/[^\n]/g, "") || "…")
    .replace(/<!--.*?-->/g, "")
    .replace(/\]\([^)]*\)/g, "]");
}

function lines(text: string, first: number): Prose[] {
  return text.split("\n").map((line, i) => ({ line: first + i, text: line }));
}
