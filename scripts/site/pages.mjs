/**
 * The pages of the documentation site: which file each one is made from, its address, its area and its place there.
 * `npm run docs` builds them; test/docs checks them without building.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

const { homepage, repository } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** The address of the site, with a slash at its end: `homepage` of package.json. */
export const SITE = homepage;
/** The address of the repository, without one. */
export const REPOSITORY = repository.url.replace(/^git\+/, "").replace(/\.git$/, "");

/**
 * The areas of the site, in their order, and in each the pages that come first. Other pages of its folder follow, by
 * title: a new file needs no entry here.
 */
export const AREAS = [
  {
    name: "start",
    title: "Start",
    first: ["questions", "express", "fastify", "hono", "koa", "next", "node", "fetch", "workers"],
  },
  {
    name: "tasks",
    title: "Tasks",
    first: ["login", "log-out-everywhere", "devices", "step-up", "remember-me", "cart-before-login", "cross-origin"],
  },
  {
    name: "deploy",
    title: "Deploy",
    first: ["checklist", "proxy", "many-servers", "serverless", "functions", "cleanup", "key-rotation", "monitoring"],
  },
  { name: "frameworks", title: "Frameworks", first: [] },
  { name: "storages", title: "Storages", first: [] },
  { name: "migrate", title: "Migrate", first: ["express-session"] },
  {
    name: "reference",
    title: "Reference",
    first: [
      "options",
      "session",
      "store",
      "events",
      "errors/README",
      "cookies",
      "testing",
      "types",
      "adapter",
      "commands",
    ],
    last: ["errors/", "api/"],
  },
  {
    name: "understand",
    title: "Understand",
    first: ["promises", "limits", "comparison", "protocol", "security", "performance"],
    last: ["decisions/"],
  },
  { name: "project", title: "Project", first: ["versions", "changelog", "security", "contributing"] },
];

/** Files that are no pages of documentation, and pages of the site all the same. */
const OUTSIDE = {
  "docs/.vitepress/home.md": "index",
  "SECURITY.md": "project/security",
  "ARCHITECTURE.md": "project/architecture",
  "CHANGELOG.md": "project/changelog",
  "CONTRIBUTING.md": "project/contributing",
  "CODE_OF_CONDUCT.md": "project/code-of-conduct",
};

/** Every page that is written in a file, as `{ source, path, area, text, title, summary }`. */
export function sources() {
  const docs = markdownBelow("docs").map((source) => [source, source.slice("docs/".length, -".md".length)]);
  const decisions = markdownBelow("decisions").map((source) => [
    source,
    `understand/${source.slice(0, -".md".length)}`,
  ]);
  const outside = Object.entries(OUTSIDE).filter(([source]) => existsSync(join(root, source)));
  return [...docs, ...decisions, ...outside].map(([source, path]) => page(source, path));
}

function markdownBelow(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map((file) => posix.join(folder, file.replaceAll("\\", "/")))
    .filter((file) => file.endsWith(".md") && !file.includes("/."))
    .sort();
}

function page(source, path) {
  const text = readFileSync(join(root, source), "utf8");
  return { source, path, ...described(path, text) };
}

/** What the menus, the search and llms.txt say of a page: the first heading, and the paragraph below it. */
export function described(path, text) {
  const [area] = path.split("/");
  const title = /^# (.*)$/m.exec(text)?.[1] ?? path;
  const paragraph = text
    .slice(text.indexOf(`# ${title}`) + title.length + 2)
    .split(/\n{2,}/)
    .map((part) => part.trim())
    .find((part) => /^[^#<|`!-]/.test(part));
  return { area, text, title: plainText(title), summary: plainText(paragraph ?? "") };
}

/** Markdown without its marks, in one line. */
export function plainText(markdown) {
  return markdown
    .replace(/<!--.*?-->/gs, "")
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[`*]/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** The list of the decisions: a page that no file has. */
export function decisionsPage(pages) {
  const own = pages.filter(({ path }) => path.startsWith("understand/decisions/"));
  const summary =
    "With this page you find why Holdfast is made as it is: one decision on each page, with what it rejects.";
  const lines = own.map(({ path, title }) => `- [${title}](/${path})`);
  const text = `# Decisions\n\n${summary}\n\n${lines.join("\n")}\n`;
  return { path: "understand/decisions/README", area: "understand", title: "Decisions", summary, text };
}

/** The address of a page below that of the site: `README` is the page of its folder. */
export function addressOf(path) {
  return path.replace(/(^|\/)(README|index)$/, "$1");
}

/** The menus: for each area its title and its pages, in their order. */
export function menu(pages) {
  return AREAS.map(({ name, title, first, last = [] }) => {
    const place = ({ path }) => placeOf(path.slice(name.length + 1), first, last);
    const own = pages
      .filter(({ area }) => area === name)
      .sort((a, b) => place(a) - place(b) || a.title.localeCompare(b.title, "en"));
    return { name, title, pages: own };
  });
}

function placeOf(name, first, last) {
  if (name === "README") return -1;
  const early = first.indexOf(name);
  if (early >= 0) return early;
  return first.length + 1 + last.findIndex((folder) => name.startsWith(folder));
}
