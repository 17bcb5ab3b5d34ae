/** What can be checked of the site without building it; `npm run docs` builds it and tries it in a browser. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { blocksOf, root } from "./pages.js";
import { built, links, site, sitePages } from "./site.js";

const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** Files of Markdown that are no pages of the site, and whose links are followed all the same. */
const OTHERS = ["README.md", "examples/README.md", "test/README.md", "test/answers/README.md"];

test("every link of a page leads to a file that is there, every anchor to a heading", () => {
  const texts = [...sitePages, ...OTHERS.map((source) => ({ source, text: read(source) }))];
  assert.deepEqual(
    texts.flatMap(({ source, text }) => links.brokenLinks(source, text, sitePages)),
    [],
  );
});

test("every address of the site in a source is a page, and its anchor a heading", () => {
  const broken = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => {
      const text = read(join("src", file));
      const found = [...text.matchAll(/https?:\/\/[^\s"'`)}]+/g)].map(([url]) => url.replace(/[.,;:]$/, ""));
      const own = found.filter((url) => url.startsWith(site.SITE) && url !== site.SITE && !url.endsWith("/${code}"));
      return own.flatMap((url) => links.brokenLinks(`src/${file}`, `[](${url})`, sitePages));
    });
  assert.deepEqual(broken, []);
});

test("package.json says where the site and the repository are, and nothing else is written into a page", () => {
  assert.match(site.SITE, /^https:\/\/[\w.-]+\/(?:[\w-]+\/)?$/);
  assert.match(site.REPOSITORY, /^https:\/\/github\.com\/[\w-]+\/[\w-]+$/);
});

test("a link that leads nowhere, a missing heading and an address that is no page are found", () => {
  const text = [
    "# Here",
    "[a](missing.md) [b](#here) [c](#there) [d](../tasks/login.md#no-such-heading) [e](../tasks/login.md)",
    `[f](${site.SITE}tasks/none) [g](${site.SITE}tasks/login) [h](${site.SITE}storages/) [i](https://example.com)`,
    "`[code](none.md)`",
    "```md",
    "[code](none.md)",
    "```",
  ].join("\n");
  assert.deepEqual(links.brokenLinks("docs/start/page.md", text, sitePages), [
    "docs/start/page.md: missing.md does not exist",
    "docs/start/page.md: #there has no such heading",
    "docs/start/page.md: ../tasks/login.md#no-such-heading has no such heading",
    `docs/start/page.md: ${site.SITE}tasks/none is no page of the site`,
  ]);
});

test("in the built site a dead link, a dead anchor, a lost file and a page that llms.txt lacks are found", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-site-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const base = new URL(site.SITE).pathname;
  const files = {
    "a.html": `<h1 id="top"></h1><a href="${base}b">b</a> <a href="./b#x">x</a> <a href="#top">top</a> <a href="${base}c">c</a>`,
    "b.html": `<a href="a#top">a</a> <a href="${site.REPOSITORY}/edit/main/docs/none.md">edit</a> <a href="/elsewhere">e</a>`,
    "a.md": "# A",
    "b.md": "# B",
    "llms.txt": `[A](${site.SITE}a.md) [C](${site.SITE}c.md)`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  assert.deepEqual(built.builtLinks(directory), [
    `llms.txt: ${site.SITE}c.md is no file`,
    "llms.txt lacks b.md",
    "a.html: ./b#x has no such anchor",
    `a.html: ${base}c is no file`,
    `b.html: ${site.REPOSITORY}/edit/main/docs/none.md is not in the repository`,
    "b.html: /elsewhere is not on the site",
  ]);
});

test("on the site a link leads to a page's address, or into the repository", () => {
  const text =
    "[a](../storages/README.md#x) [b](login.md) [c](../../examples/cart-api.ts) [d](../../examples) [e](#y)";
  assert.equal(
    links.forSite("docs/tasks/page.md", text, sitePages),
    `[a](/storages/#x) [b](/tasks/login) [c](${site.REPOSITORY}/blob/main/examples/cart-api.ts) ` +
      `[d](${site.REPOSITORY}/tree/main/examples) [e](#y)`,
  );
});

test("anchors are those of GitHub", () => {
  const text = "# What's `stored`?\n## A & B\n## [Link](x.md) here\n## Twice\n## Twice\n```sh\n# no heading\n```\n";
  assert.deepEqual(links.anchorsOf(text), ["whats-stored", "a--b", "link-here", "twice", "twice-1"]);
});

test("the first page has the login and the figures of the README", () => {
  const [readme, home] = ["README.md", "docs/.vitepress/home.md"].map(read);
  const program = (text: string): string | undefined =>
    blocksOf(text).find(({ code }) => code.includes("authenticate"))?.code;
  const table = (text: string): string | undefined => /^\| \| Holdfast \|(?:.*\n)+?(?=\n)/m.exec(text)?.[0];
  assert.ok(program(home!) && table(home!));
  assert.equal(program(home!), program(readme!));
  assert.equal(table(home!), table(readme!));
});

test("every page has a title and an area of the menu", () => {
  const areas = site.menu(sitePages).map(({ name }) => name);
  for (const { source, path, area, title } of sitePages.filter(({ path }) => path !== "index")) {
    assert.ok(areas.includes(area), `${source} belongs to no area`);
    assert.notEqual(title, path, `${source} has no heading`);
  }
  const inMenu = site.menu(sitePages).flatMap(({ pages }) => pages.map(({ path }) => path));
  const left = sitePages.map(({ path }) => path).filter((path) => path !== "index" && !inMenu.includes(path));
  assert.deepEqual(
    left.filter((path) => !path.startsWith("understand/decisions/")),
    [],
    "only single decisions are not in the menu",
  );
});
