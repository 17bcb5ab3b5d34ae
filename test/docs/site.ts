import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./pages.js";

/** A page of the site: its file, its address below the site's, and what menus say of it. */
export interface SitePage {
  readonly source: string;
  readonly path: string;
  readonly area: string;
  readonly text: string;
  readonly title: string;
  readonly summary: string;
}

interface Area {
  readonly name: string;
  readonly title: string;
  readonly pages: readonly SitePage[];
}

interface Pages {
  readonly SITE: string;
  readonly REPOSITORY: string;
  sources(): SitePage[];
  menu(pages: readonly SitePage[]): Area[];
  addressOf(path: string): string;
}

interface Links {
  anchorsOf(text: string): string[];
  linksOf(text: string): { to: string; anchor: string }[];
  brokenLinks(source: string, text: string, pages: readonly SitePage[]): string[];
  forSite(source: string, text: string, pages: readonly SitePage[]): string;
}

interface Built {
  builtLinks(directory: string): string[];
}

const from = async <T>(name: string): Promise<T> =>
  (await import(pathToFileURL(join(root, "scripts", "site", name)).href)) as T;

/** What builds the site, as far as it needs no package. */
export const site: Pages = await from<Pages>("pages.mjs");
export const built: Built = await from<Built>("built.mjs");
export const links: Links = await from<Links>("links.mjs");
export const sitePages: readonly SitePage[] = site.sources();
