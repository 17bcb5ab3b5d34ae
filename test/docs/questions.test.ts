import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pageAt, root } from "./pages.js";
import { links, site, sitePages } from "./site.js";

/** The twenty questions of four readers, each with the page that answers it: docs/start/questions.md. */

const page = pageAt("start/questions");
const sections = page.text.split(/^## /m).slice(1);

test("four readers have five questions each", () => {
  assert.deepEqual(
    sections.map((section) => section.split("\n")[0]),
    ["A developer with ten minutes", "A security reviewer", "An operator at night", "An author of a driver"],
  );
  for (const section of sections) {
    const rows = [...section.matchAll(/^\| (.+\?(?: What .+\?)?) \| (.+) \|$/gm)];
    assert.equal(rows.length, 5, section);
    for (const [, question, places] of rows) assert.ok(links.linksOf(places!).length > 0, question);
  }
});

test("the README and the front page of the site lead to it", () => {
  const read = (file: string): string => readFileSync(join(root, file), "utf8");
  const inReadme = [...read("README.md").matchAll(/\]\(([^)]+)\)/g)].map(([, to]) => to);
  assert.ok(inReadme.includes(`${site.SITE}start/questions`));
  assert.match(read("docs/.vitepress/home.md"), /^ +link: \/start\/questions$/m);
});

test("each question leads to a page that exists, and to a heading of it", () => {
  assert.deepEqual(links.brokenLinks(page.path, page.text, sitePages), []);
  assert.ok(links.linksOf(page.text).filter(({ anchor }) => anchor !== "").length >= 10);
});
