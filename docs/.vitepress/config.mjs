/** Settings of the documentation site. `npm run docs` writes `site.json`: the pages, and where the site is. */
import { readFileSync } from "node:fs";

const { site, base, repository, areas } = JSON.parse(readFileSync(new URL("site.json", import.meta.url), "utf8"));
const present = areas.filter(({ pages }) => pages.length > 0);

export default {
  title: "Holdfast",
  description: "Sessions for TypeScript web servers that hold when requests overlap",
  lang: "en",
  base,
  cleanUrls: true,
  srcExclude: ["public/**"],
  lastUpdated: false,
  head: [
    ["link", { rel: "icon", type: "image/svg+xml", href: `${base}mark.svg` }],
    ["meta", { name: "theme-color", content: "#0f5c5c" }],
  ],
  sitemap: { hostname: site },
  // The index of the search is one file, loaded when somebody searches.
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    anchor: { slugify: slug },
    toc: { slugify: slug },
    config: scrollableTables,
  },
  themeConfig: {
    logo: "/mark.svg",
    search: { provider: "local", options: { detailedView: true, miniSearch: { searchOptions: { fuzzy: 0.2 } } } },
    nav: present
      .filter(({ name }) => ["start", "tasks", "deploy", "reference", "understand"].includes(name))
      .map(({ name, title, pages }) => ({ text: title, link: pages[0].link, activeMatch: `^/${name}/` })),
    // With a link, since a title that only opens its list would be a button around a button.
    sidebar: present.map(({ title, pages }) => ({ text: title, link: pages[0].link, collapsed: true, items: pages })),
    outline: [2, 3],
    socialLinks: [{ icon: "github", link: repository }],
    editLink: { pattern: ({ frontmatter }) => frontmatter.edit, text: "Suggest a change to this page" },
    docFooter: { prev: "Before", next: "Next" },
    footer: { message: "MIT licence" },
    externalLinkIcon: false,
  },
};

/** The anchor of a heading by GitHub's rule: the same links work in the repository and here. */
function slug(heading) {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

/** A table that is wider than the page scrolls inside an element of its own; an empty heading is no heading. */
function scrollableTables(markdown) {
  markdown.core.ruler.push("empty headings", ({ tokens }) => {
    for (const [i, { type }] of tokens.entries())
      if (type === "th_open" && tokens[i + 1].content === "") tokens[i].tag = tokens[i + 2].tag = "td";
  });
  markdown.renderer.rules.table_open = () => '<div class="wide"><table>\n';
  markdown.renderer.rules.table_close = () => "</table></div>\n";
}
