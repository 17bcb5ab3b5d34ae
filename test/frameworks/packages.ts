import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** How packages are installed; see scripts/from-npm.mjs. */
export interface Npm {
  fromNpm(packages: Record<string, string>, options?: { peers?: boolean; optional?: boolean }): string;
  runtimeFromNpm(name: string): string;
}

export const { fromNpm, runtimeFromNpm } = (await import(
  new URL("../../scripts/from-npm.mjs", import.meta.url).href
)) as Npm;

/** The directory of the project. */
export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** The version of a package that is among the dependencies. */
export function ownVersion(name: string): string {
  return (JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as { version: string })
    .version;
}

/** A package in a version: the project's own if it is that one, else installed when it is first needed. */
export async function packageIn(name: string, version: string): Promise<any> {
  if (version === ownVersion(name)) return import(name);
  return packageOf(fromNpm({ [name]: version }), name);
}

/** A package of a directory of `fromNpm`. */
export async function packageOf(directory: string, name: string): Promise<any> {
  const manifest = join(directory, "node_modules", name, "package.json");
  const { exports = {}, main } = JSON.parse(readFileSync(manifest, "utf8")) as { exports?: any; main?: string };
  const file = importOf(exports["."] ?? exports) ?? main ?? "index.js";
  return import(pathToFileURL(join(directory, "node_modules", name, file)).href);
}

/** What `import` of a package loads in Node. */
function importOf(target: any): string | undefined {
  if (typeof target !== "object" || target === null) return target;
  return importOf(target.node ?? target.import ?? target.require ?? target.default);
}
