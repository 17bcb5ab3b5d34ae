/** Links of pages: where they lead in the repository, and where on the site. */
import { existsSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { REPOSITORY, SITE, addressOf } from "./pages.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** A link of Markdown outside of code: its target and its anchor. */
const LINK = /(?<=\]\()([^()\s#]*)(#[^()\s]*)?(?=(?:\s+"[^"]*")?\))/g;
const CODE = /^(`{3,})[^\n]*\n[\s\S]*?^\1$|`[^`\n]*`/gm;

/** Applies a function to what is not code. */
export function outsideOfCode(text, change) {
  let end = 0;
  let result = "";
  for (const match of text.matchAll(CODE)) {
    result += change(text.slice(end, match.index)) + match[0];
    end = match.index + match[0].length;
  }
  return result + change(text.slice(end));
}

/** The links of a text, as `{ to, anchor }`. */
export function linksOf(text) {
  const links = [];
  outsideOfCode(text, (part) => {
    for (const [, to, anchor = ""] of part.matchAll(LINK)) links.push({ to, anchor: anchor.slice(1) });
    return part;
  });
  return links;
}

/** The anchors of a text's headings, as GitHub and the site name them. */
export function anchorsOf(text) {
  const seen = new Map();
  const headings = [];
  for (const [, heading] of text.replace(/^(`{3,})[^\n]*\n[\s\S]*?^\1$/gm, "").matchAll(/^#{1,6} +(.*)$/gm)) {
    const anchor = slug(heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, ""));
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    headings.push(count === 0 ? anchor : `${anchor}-${count}`);
  }
  return headings;
}

/** The anchor of a heading by GitHub's rule, which the site uses as well. */
export function slug(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

/** What VitePress serves as it is, under absolute addresses. */
const PUBLIC = "docs/.vitepress/public";

/**
 * What is wrong with the links of a file of the repository, as lines. `pages` are those of the site: an address of the
 * site must be one of them.
 */
export function brokenLinks(source, text, pages) {
  const bySource = new Map(pages.map((page) => [page.source, page]));
  const byAddress = new Map(pages.map((page) => [addressOf(page.path), page]));
  return linksOf(text).flatMap(({ to, anchor }) => {
    const say = (what) => [`${source}: ${to}${anchor && `#${anchor}`} ${what}`];
    if (to.startsWith(SITE)) {
      const page = byAddress.get(to.slice(SITE.length));
      if (!page && isGenerated(to.slice(SITE.length)) && !pages.some(({ path }) => isGenerated(path))) return [];
      if (!page) return say("is no page of the site");
      return anchor && !anchorsOf(page.text).includes(anchor) ? say("has no such heading") : [];
    }
    const inRepository = new RegExp(`^${REPOSITORY}/(?:blob|tree)/main/(.*)$`).exec(to)?.[1];
    if (inRepository !== undefined)
      return existsSync(join(root, inRepository)) ? [] : say("is not in the repository");
    if (/^(https?|mailto):/.test(to)) return [];
    if (to === "") return anchorsOf(text).includes(anchor) ? [] : say("has no such heading");
    const from = to.startsWith("/") ? PUBLIC : posix.dirname(source);
    const target = posix.normalize(posix.join(from, to));
    if (!existsSync(join(root, target))) return say("does not exist");
    const page = bySource.get(target);
    return anchor && page && !anchorsOf(page.text).includes(anchor) ? say("has no such heading") : [];
  });
}

/** The pages that only `npm run docs` makes, from the types of the library. */
function isGenerated(path) {
  return path.startsWith("reference/api/");
}

/** A text with its links as they are on the site: to pages by their address, to other files in the repository. */
export function forSite(source, text, pages) {
  const bySource = new Map(pages.map((page) => [page.source, page]));
  return outsideOfCode(text, (part) =>
    part.replace(LINK, (all, to, anchor = "") => {
      if (to === "") return all;
      if (to.startsWith(SITE)) return `/${to.slice(SITE.length)}${anchor}`;
      if (to.startsWith("/")) return all;
      if (/^(https?|mailto):/.test(to)) return all;
      const from = to.startsWith("/") ? PUBLIC : posix.dirname(source);
      const target = posix.normalize(posix.join(from, to));
      const page = bySource.get(target);
      if (page) return `/${addressOf(page.path)}${anchor}`;
      const kind = existsSync(join(root, target)) && statSync(join(root, target)).isDirectory() ? "tree" : "blob";
      return `${REPOSITORY}/${kind}/main/${target.replace(/\/$/, "")}${anchor}`;
    }),
  );
}
