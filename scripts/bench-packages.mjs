/**
 * The libraries that Holdfast is compared with: packages of bench/, apart from the project's own, installed when they
 * are asked for.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isInstalled, npm, root } from "./setup.mjs";

const bench = join(root, "bench");
const cache = join(root, "node_modules", ".cache", "holdfast");

/**
 * Installs what bench/package-lock.json names, unless it is there. Several processes may ask at once: the packages
 * appear whole.
 */
export async function installBench() {
  if (isInstalled(bench)) return;
  console.error("Installing the libraries to compare with (npm ci) …");
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, "bench-"));
  try {
    for (const file of ["package.json", "package-lock.json", ".npmrc"]) cpSync(join(bench, file), join(fresh, file));
    const options = { cwd: fresh, stdio: ["ignore", "ignore", "inherit"] };
    if ((await npm(["ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"], options)) !== 0)
      throw new Error("npm ci failed in bench");
    replace(join(bench, "node_modules"), fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Another process may have been faster. */
function replace(place, fresh) {
  if (isInstalled(bench)) return;
  try {
    if (existsSync(place)) renameSync(place, join(fresh, "old"));
    renameSync(join(fresh, "node_modules"), place);
  } catch (error) {
    if (!isInstalled(bench)) throw error;
  }
}
