/**
 * `npm run docs [-- PART …]`: builds the site of the documentation, follows every link and anchor of it, and tries it
 * in Chromium at the widths of a phone and of a desktop: no page scrolls sideways, axe-core finds nothing, the search
 * finds a page, dark mode works. `PART` is a part of a check's name, like `links` or `phone`. `-- --built` takes the
 * site as it was built last; `-- --serve` builds and shows it. The last line is `N passed, N failed`.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fromNpm } from "./from-npm.mjs";
import { setup } from "./setup.mjs";
import { apiPages } from "./site/api.mjs";
import { inBrowser } from "./site/browser.mjs";
import { builtLinks } from "./site/built.mjs";
import { brokenLinks } from "./site/links.mjs";
import { decisionsPage, sources } from "./site/pages.mjs";
import { OUTPUT, serve } from "./site/serve.mjs";
import { STAGE, stage } from "./site/stage.mjs";

/** The site is built by these; nobody who uses the library installs them. */
const VITEPRESS = { vitepress: "1.6.4" };

const patterns = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const total = { passed: 0, failed: 0 };

await setup();
const written = sources();
const pages = [...written, decisionsPage(written), ...apiPages()];
if (process.argv.includes("--built") || (await check("build", () => build(pages)))) {
  if (process.argv.includes("--serve")) await show();
  else await checks();
}

async function checks() {
  await check("links in the sources", () => nothing(pages.flatMap((page) => linksOf(page))));
  await check("links of the built site", () => nothing(builtLinks(OUTPUT)));
  await inBrowser(OUTPUT, pages, check);
  process.exitCode = total.failed > 0 ? 1 : 0;
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
}

function linksOf({ source, text }) {
  return source ? brokenLinks(source, text, pages) : [];
}

async function build(all) {
  stage(all);
  const directory = fromNpm(VITEPRESS);
  const vitepress = join(directory, "node_modules", "vitepress", "dist", "node", "index.js");
  const { build: buildSite } = await import(pathToFileURL(vitepress).href);
  await buildSite(STAGE, { outDir: OUTPUT });
}

/** Runs a check, unless another one was asked for; a build is always needed. Answers whether it passed. */
async function check(name, work) {
  if (name !== "build" && patterns.length > 0 && !patterns.some((pattern) => name.includes(pattern))) return true;
  const began = performance.now();
  try {
    await work();
    total.passed += 1;
    console.log(`✔ ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    return true;
  } catch (error) {
    total.failed += 1;
    console.log(`✖ ${name}\n${error.message.replace(/^/gm, "    ")}`);
    process.exitCode = 1;
    if (name === "build") console.log(`\n${total.passed} passed, ${total.failed} failed`);
    return false;
  }
}

function nothing(found) {
  if (found.length > 0) throw new Error(found.join("\n"));
}

async function show() {
  const { origin } = await serve(OUTPUT, Number(process.env.PORT ?? 0));
  console.log(`The site is at ${origin}; ctrl-C ends it.`);
}
