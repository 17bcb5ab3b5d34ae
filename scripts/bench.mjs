/**
 * `npm run bench`: what a session costs, beside the bare framework, a hand-written floor and other libraries. `-- --help` lists the options.
 * The packages it needs are its own: they are installed in bench/ when it runs first.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { npm, root, setup } from "./setup.mjs";

const directory = join(root, "bench");

/** Installs the packages of the benchmark as its lock file names them, unless they are there. */
export async function installBench() {
  if (isInstalled()) return;
  console.error("Installing the packages of the benchmark (npm ci) …");
  if ((await npm(["ci", "--ignore-scripts", "--no-fund", "--no-audit", "--loglevel=error"], { cwd: directory, stdio: ["ignore", "ignore", "inherit"] })) !== 0) throw new Error("npm ci failed in bench");
}

function isInstalled() {
  const wanted = packagesOf(join(directory, "package-lock.json"));
  const installed = packagesOf(join(directory, "node_modules", ".package-lock.json"));
  return Object.entries(wanted).every(([path, { version, optional }]) => path === "" || optional || installed[path]?.version === version);
}

function packagesOf(lockFile) {
  return existsSync(lockFile) ? JSON.parse(readFileSync(lockFile, "utf8")).packages : {};
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await setup();
  await installBench();
  const { main } = await import("../bench/main.mjs");
  await main(process.argv.slice(2));
}
