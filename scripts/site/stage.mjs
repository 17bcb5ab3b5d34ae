/** Writes what VitePress builds: every page with the links of the site, the generated pages, llms.txt. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { forSite, outsideOfCode } from "./links.mjs";
import { REPOSITORY, SITE, addressOf, menu } from "./pages.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where VitePress works. Not below node_modules: it finds no page there. */
export const STAGE = join(root, ".site");

/** Writes the pages, and the settings of the site for `docs/.vitepress/config.mjs`. */
export function stage(pages) {
  rmSync(STAGE, { recursive: true, force: true });
  cpSync(join(root, "docs", ".vitepress"), join(STAGE, ".vitepress"), { recursive: true });
  cpSync(join(root, "docs", ".vitepress", "public"), join(STAGE, "public"), { recursive: true });
  const written = pages.filter(({ source }) => source);
  for (const page of pages) {
    const text = forSite(page.source ?? `docs/${page.path}.md`, page.text, written);
    write(`${page.path.replace(/(^|\/)README$/, "$1index")}.md`, frontMatter(page, text));
    write(`public/${rawOf(page)}`, text);
  }
  write("public/llms.txt", llms(pages));
  write("public/llms-full.txt", pages.map(({ text }) => text.trim()).join("\n\n---\n\n"));
  write(".vitepress/site.json", JSON.stringify(settings(pages)));
}

function write(path, text) {
  const file = join(STAGE, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** A page's own Markdown, beside its address. */
function rawOf({ path }) {
  return `${path.replace(/(^|\/)README$/, "$1index")}.md`;
}

/** With what the site must know of a page; without what Vue would take for its own. */
function frontMatter({ source, title, summary }, text) {
  const [, own = "", body] = /^(?:---\n(.*?)\n---\n)?(.*)$/s.exec(text);
  const known = {
    ...(own.includes("title:") ? {} : { title }),
    ...(own.includes("description:") || !summary ? {} : { description: shortened(summary) }),
    ...(source ? { edit: `${REPOSITORY}/edit/main/${source}` } : { editLink: false }),
  };
  const lines = Object.entries(known).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  const safe = outsideOfCode(body.replace(/<!--.*?-->\n?/gs, ""), (part) => part.replaceAll("{{", "&#123;&#123;"));
  return `---\n${own && `${own}\n`}${lines.join("")}---\n${safe}`;
}

function shortened(text) {
  return text.length <= 200 ? text : `${text.slice(0, text.lastIndexOf(" ", 199))} …`;
}

function settings(pages) {
  return {
    site: SITE,
    base: new URL(SITE).pathname,
    repository: REPOSITORY,
    areas: menu(pages).map(({ name, title, pages: own }) => ({ name, title, pages: entriesOf(own) })),
  };
}

/** The entries of a menu: pages of a folder inside an area are below the first page of that folder. */
function entriesOf(pages) {
  const entry = (page) => ({ text: page.title, link: `/${addressOf(page.path)}` });
  const folderOf = ({ path }) => path.split("/").slice(1, -1).join("/");
  const folders = pages.filter(({ path }) => /^[^/]+\/.+\/README$/.test(path)).map(folderOf);
  return pages
    .filter((page) => !folders.includes(folderOf(page)) || page.path.endsWith("/README"))
    .map((page) => {
      const below = pages.filter((one) => folders.includes(folderOf(page)) && folderOf(one) === folderOf(page));
      const items = below.filter((one) => one !== page).map(entry);
      return items.length > 0 ? Object.assign(entry(page), { collapsed: true, items }) : entry(page);
    });
}

/** The pages as llmstxt.org asks for it: a list of links by area, each with what its page is about. */
function llms(pages) {
  const areas = menu(pages)
    .filter(({ pages: own }) => own.length > 0)
    .map(({ title, pages: own }) => {
      const lines = own.map((page) => `- [${page.title}](${SITE}${rawOf(page)}): ${shortened(page.summary)}`);
      return `## ${title}\n\n${lines.join("\n")}`;
    });
  const intro =
    "> Sessions for TypeScript web servers: overlapping requests keep all their writes, a logout is final, and a late " +
    "response never replaces the cookie of a new login.";
  return `# Holdfast\n\n${intro}\n\nAll pages in one file: ${SITE}llms-full.txt\n\n${areas.join("\n\n")}\n`;
}
