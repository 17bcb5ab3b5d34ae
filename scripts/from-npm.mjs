/**
 * Packages that only some tests need and that are large: newer runtimes, a database's binary. Installed when they are
 * asked for, kept beside the dependencies.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

/**
 * Installs packages of exact versions, `{ name: version }`, unless they are there; answers the directory that has
 * their `node_modules`.
 * `peers: false` installs none but these: for versions that nobody would use together. `scripts: true` lets them
 * compile what they need. `optional: false` leaves optional dependencies out: name the one that is needed.
 */
export function fromNpm(packages, { peers = true, scripts = false, optional = true } = {}) {
  const text = JSON.stringify({
    private: true,
    dependencies: packages,
    ...(peers ? {} : { peers }),
    ...(scripts ? { scripts: {}, allowScripts: allowed(packages) } : {}),
    ...(optional ? {} : { optional }),
  });
  const directory = join(
    root,
    "node_modules",
    ".cache",
    "holdfast",
    `npm-${createHash("sha256").update(text).digest("hex").slice(0, 12)}`,
  );
  if (existsSync(directory)) return directory;
  const fresh = `${directory}-${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  writeFileSync(join(fresh, "package.json"), text);
  console.error(`Installing ${Object.keys(packages).join(", ")} (npm) …`);
  install(fresh, [
    ...(peers ? [] : ["--legacy-peer-deps"]),
    ...(scripts ? [] : ["--ignore-scripts"]),
    ...(optional ? [] : ["--omit=optional"]),
  ]);
  keep(fresh, directory);
  return directory;
}

/** Large packages take a minute; this is for an installation that hangs. */
const INSTALL_TIMEOUT_MS = 600_000;

function install(directory, more) {
  const args = ["install", ...more, "--no-fund", "--no-audit", "--no-package-lock", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const [command, all] = npm ? [process.execPath, [npm, ...args]] : ["npm", args];
  execFileSync(command, all, {
    cwd: directory,
    stdio: ["ignore", "ignore", "inherit"],
    shell: !npm && process.platform === "win32",
    timeout: INSTALL_TIMEOUT_MS,
  });
}

/** npm 12 runs the scripts of those packages alone that are named; what these depend on is not known here. */
function allowed(packages) {
  return Object.fromEntries([...Object.keys(packages), "libpq"].map((name) => [name, true]));
}

/** Appears under its name when it is whole. Another process may have been faster. */
function keep(fresh, directory) {
  try {
    renameSync(fresh, directory);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
}

const PLATFORM = process.platform === "win32" ? "win" : process.platform;
const SUFFIX = process.platform === "win32" ? ".exe" : "";

const node = (version) => ({ version, package: `node-${PLATFORM}-${process.arch}`, program: `bin/node${SUFFIX}` });

const RUNTIMES = {
  node: node("24.21.0"),
  node20: node("20.20.2"),
  node22: node("22.23.3"),
  node24: node("24.21.0"),
  node26: node("26.10.0"),
  bun: {
    version: "1.4.5",
    package: `@oven/bun-${process.platform === "win32" ? "windows" : process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}`,
    program: `bin/bun${SUFFIX}`,
  },
  deno: {
    version: "2.9.6",
    package: `@deno/${process.platform}-${process.arch}${process.platform === "linux" ? "-glibc" : ""}`,
    program: `deno${SUFFIX}`,
  },
};

/** The program of a runtime: `node` (a newer one), `node20`, `node22`, `node24`, `node26`, `bun` or `deno`. */
export function runtimeFromNpm(name) {
  const { version, package: from, program } = RUNTIMES[name];
  return join(fromNpm({ [from]: version }), "node_modules", from, ...program.split("/"));
}
