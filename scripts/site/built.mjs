/** Follows every link of the built pages: the file, and the anchor in it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow } from "../setup.mjs";
import { REPOSITORY, SITE } from "./pages.mjs";
import { fileOf } from "./serve.mjs";

/** What is wrong, as lines. */
export function builtLinks(directory) {
  const base = new URL(SITE).pathname;
  const files = filesBelow(directory).filter((file) => file.endsWith(".html") && file !== "404.html");
  const htmlOf = new Map(files.map((file) => [join(directory, file), readFileSync(join(directory, file), "utf8")]));
  const idsOf = new Map();
  return files.flatMap((file) => {
    const html = htmlOf.get(join(directory, file));
    const found = [...html.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, to]) => to.replaceAll("&amp;", "&"));
    return [...new Set(found)].flatMap((to) => wrong(file, to).map((what) => `${file}: ${to} ${what}`));
  });

  function wrong(from, to) {
    if (/^(mailto:|data:)/.test(to) || to.startsWith(REPOSITORY)) return [];
    if (/^https?:/.test(to) && !to.startsWith(SITE)) return [];
    const url = new URL(to, `${SITE}${from.replace(/(index)?\.html$/, "")}`);
    if (!url.href.startsWith(SITE)) return ["is not on the site"];
    const target = fileOf(directory, decodeURIComponent(url.pathname.slice(base.length)));
    if (!target) return ["is no file"];
    const anchor = decodeURIComponent(url.hash.slice(1));
    return anchor && !ids(target).has(anchor) ? ["has no such anchor"] : [];
  }

  function ids(file) {
    if (!idsOf.has(file)) {
      const html = htmlOf.get(file) ?? readFileSync(file, "utf8");
      idsOf.set(file, new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)));
    }
    return idsOf.get(file);
  }
}
