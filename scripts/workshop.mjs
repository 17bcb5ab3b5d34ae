/** Directories in which a framework builds an application, with its packages and the built library beside it. */
import { cpSync, linkSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

const MADE = /[\\/](node_modules|\.next|\.nuxt|\.output|\.svelte-kit|\.react-router|\.astro|dist)$/;

/**
 * Makes `build/applications/NAME-PID` for an application: with the packages of `installed`, a directory of `fromNpm`,
 * linked file by file, since bundlers follow no link out of the directory; and with the built library as a package.
 * `copies` says what to copy, from a path of the project to a path of the application. Returns `{ directory, remove }`.
 */
export function workshop(name, installed, copies) {
  const directory = join(root, "build", "applications", `${name}-${process.pid}`);
  const remove = () => rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  remove();
  linkTree(join(installed, "node_modules"), join(directory, "node_modules"));
  const library = join(directory, "node_modules", "holdfast");
  for (const part of ["dist", "package.json"]) cpSync(join(root, part), join(library, part), { recursive: true });
  for (const [from, to] of Object.entries(copies))
    cpSync(join(root, from), join(directory, to), { recursive: true, filter: (path) => !MADE.test(path) });
  return { directory, remove };
}

function linkTree(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else linkSync(source, target);
  }
}
