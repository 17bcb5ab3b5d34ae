/**
 * Follows every link of the built pages and of llms.txt: to a file and the anchor in it, or into the repository, which
 * is where one suggests a change.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, root } from "../setup.mjs";
import { REPOSITORY, SITE } from "./pages.mjs";
import { fileOf } from "./serve.mjs";

/** What is wrong, as lines. */
export function builtLinks(directory) {
  const base = new URL(SITE).pathname;
  const files = filesBelow(directory).filter((file) => file.endsWith(".html") && file !== "404.html");
  const htmlOf = new Map(files.map((file) => [join(directory, file), readFileSync(join(directory, file), "utf8")]));
  const idsOf = new Map();
  const named = [...readFileSync(join(directory, "llms.txt"), "utf8").matchAll(/\]\((.*?)\)/g)].map(([, to]) => to);
  const missing = named.flatMap((to) => wrong("llms.txt", to).map((what) => `llms.txt: ${to} ${what}`));
  const forgotten = filesBelow(directory)
    .filter(
      (file) => file.endsWith(".md") && file !== "index.md" && !named.includes(SITE + file.replaceAll("\\", "/")),
    )
    .map((file) => `llms.txt lacks ${file}`);
  const broken = files.flatMap((file) => {
    const html = htmlOf.get(join(directory, file));
    const found = [...html.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, to]) => to.replaceAll("&amp;", "&"));
    return [...new Set(found)].flatMap((to) => wrong(file, to).map((what) => `${file}: ${to} ${what}`));
  });
  return [...missing, ...forgotten, ...broken];

  function wrong(from, to) {
    if (/^(mailto:|data:)/.test(to)) return [];
    const [, inRepository] = new RegExp(`^${REPOSITORY}/(?:blob|tree|edit)/main/([^#]*)`).exec(to) ?? [];
    if (inRepository !== undefined) return existsSync(join(root, inRepository)) ? [] : ["is not in the repository"];
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
