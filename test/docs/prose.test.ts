import assert from "node:assert/strict";
import { test } from "node:test";
import { pageOf, pages, type Page } from "./pages.js";

/** Whether people of every mother tongue can read the pages: how each begins, and how long its sentences are. */

/** Pages of the site that are not in docs. */
const OTHERS: readonly Page[] = ["README.md", "SECURITY.md", "ARCHITECTURE.md", "examples/README.md"].map(pageOf);
const all = [...pages, ...OTHERS];

/** As a rule a sentence has at most so many words; at most one of fifty on a page may have more. */
const WORDS = 25;
const ONE_OF = 50;
/** No sentence has more. */
const MOST_WORDS = 32;

/**
 * Pages that may have some longer sentences, each with the reason.
 *
 * - understand/promises: the wording of a promise is one sentence, and the same in every place
 */
const MAY_BE_LONGER: readonly string[] = ["docs/understand/promises.md"];

test("each page but the front page begins with what its reader will be able to do", () => {
  const others = pages.filter(
    ({ path, text }) =>
      path !== "docs/index.md" && !/^(---\n[\s\S]*?\n---\n+)?# .+\n\nWith this page [a-z]/.test(text),
  );
  assert.deepEqual(
    others.map(({ path }) => path),
    [],
    "the first paragraph begins with: With this page you …",
  );
});

test(`as a rule a sentence has at most ${WORDS} words`, () => {
  const found = all.filter(({ path }) => !MAY_BE_LONGER.includes(path)).flatMap(tooLong);
  assert.deepEqual(found, [], "make two sentences, a list or a table of it");
});

test("the pages that may be longer still need to be", () => {
  const longer = pages.filter((page) => MAY_BE_LONGER.includes(page.path) && tooLong(page).length > 0);
  assert.equal(longer.length, MAY_BE_LONGER.length);
});

test("sentences end at full stops, and with a paragraph, a cell or an item; code counts as one word", () => {
  const text = [
    "# A heading of the page",
    "",
    "One `piece of code` here. Two more",
    "words: [a link](to/it.md)! Is it?",
    "",
    "| a cell | another cell |",
    "|---|---|",
    "- an item",
    "  of two lines",
    "1. the next",
    "```ts",
    "const no = prose.here;",
    "```",
  ].join("\n");
  assert.deepEqual(sentencesOf(text), [
    "One code here.",
    "Two more words: a link!",
    "Is it?",
    "a cell",
    "another cell",
    "an item of two lines",
    "the next",
  ]);
});

/** The sentences of a page that are too long, if there are more of them than may be. */
function tooLong({ path, text }: Page): string[] {
  const sentences = sentencesOf(text).map((sentence) => ({ sentence, words: sentence.split(" ").length }));
  const long = sentences.filter(({ words }) => words > WORDS);
  const tolerated = long.every(({ words }) => words <= MOST_WORDS) && long.length <= sentences.length / ONE_OF;
  return tolerated ? [] : long.map(({ sentence, words }) => `${path}: ${words} words: ${sentence}`);
}

/** The sentences of a text in Markdown, without its headings and code. */
function sentencesOf(markdown: string): string[] {
  const text = markdown
    .replace(/^---\n[\s\S]*?\n---\n/, "")
    .replace(/^(`{3,})[\s\S]*?^\1$/gm, "")
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/`[^`]*`/g, "code")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1");
  const units: string[] = [""];
  for (const line of text.split("\n")) {
    if (line.startsWith("|")) units.push(...line.split("|"), "");
    else if (line.trim() === "" || line.startsWith("#")) units.push("");
    else if (/^\s*([-*]|\d+\.)\s/.test(line)) units.push(line.replace(/^\s*([-*]|\d+\.)\s/, ""));
    else units.push(`${units.pop()!} ${line}`);
  }
  return units
    .flatMap((unit) => unit.trim().split(/(?<=[.?!])\s+(?=[A-Z"(*0-9]|code)/))
    .map((sentence) => sentence.replace(/\s+/g, " ").trim())
    .filter((sentence) => /[a-z]/i.test(sentence));
}
