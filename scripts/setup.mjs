/**
 * Makes a checkout ready to run: dependencies as the lock file names them, the library built. Needs Node and npm,
 * nothing else; what is ready already is left alone.
 */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The directory of the project. */
export const root = fileURLToPath(new URL("..", import.meta.url));

const OLDEST_NODE = [20, 19];
const COMPILED = /(\.d\.ts|\.js)(\.map)?$/;
const CACHE = join(root, "node_modules", ".cache", "holdfast");
const CACHE_ASIDE = join(root, ".cache-aside");
const STAMP = join(CACHE, "built");

/**
 * Installs the dependencies where they are missing or not those of the lock file; builds `dist` where `src` is newer.
 */
export async function setup({ build = true } = {}) {
  assertNode();
  if (!isInstalled(root)) await install();
  if (build && !isBuilt()) await buildLibrary();
}

/** Compiles `src` to `dist`, whose stale files go. Throws where a type is wrong. */
export async function buildLibrary() {
  rmSync(STAMP, { force: true });
  const began = new Date();
  const status = await run(process.execPath, [tsc, "-p", "src"]);
  if (status !== 0) throw new Error("the library does not compile");
  prune(join(root, "src"), join(root, "dist"));
  mkdirSync(dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, began.toISOString());
}

/** The compiler, to be run by Node. */
export const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

/** Runs a command in the project's directory, its output shown; answers its exit status. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options });
    child.on("error", reject).on("close", (code) => resolve(code ?? 1));
  });
}

/** Runs npm, the one that runs this script where one does; answers its exit status. */
export function npm(args, options = {}) {
  const path = process.env.npm_execpath;
  return path
    ? run(process.execPath, [path, ...args], options)
    : run("npm", args, { shell: process.platform === "win32", ...options });
}

/** The files below a directory, as paths from there; none where there is no such directory. */
export function filesBelow(directory) {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)));
}

/**
 * Removes compiled files whose source is gone: else a renamed test would run twice, and a removed module be
 * published.
 */
export function prune(sources, output) {
  for (const file of filesBelow(output)) {
    const source = file.replace(COMPILED, ".ts");
    if (source !== file && !existsSync(join(sources, source))) rmSync(join(output, file));
  }
}

function assertNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new Error(`Holdfast needs Node ${OLDEST_NODE.join(".")} or newer; this is ${process.versions.node}`);
}

/**
 * Whether a package has what its lock file names. Compares contents, not times: a checkout sets the times of files as
 * it likes.
 */
export function isInstalled(directory) {
  const wanted = packagesOf(join(directory, "package-lock.json"));
  const installed = packagesOf(join(directory, "node_modules", ".package-lock.json"));
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === "" || optional || installed[path]?.version === version,
  );
}

function packagesOf(lockFile) {
  return existsSync(lockFile) ? JSON.parse(readFileSync(lockFile, "utf8")).packages : {};
}

async function install() {
  console.log("Installing dependencies (npm ci) …");
  setCacheAside();
  const status = await npm(["ci", "--include=dev", "--no-fund", "--no-audit"]);
  putCacheBack();
  if (status !== 0) throw new Error("npm ci failed");
}

/** `npm ci` removes node_modules whole; servers and packages that were made ready in its cache take minutes to make. */
function setCacheAside() {
  if (existsSync(CACHE) && !existsSync(CACHE_ASIDE)) renameSync(CACHE, CACHE_ASIDE);
}

function putCacheBack() {
  if (!existsSync(CACHE_ASIDE)) return;
  mkdirSync(dirname(CACHE), { recursive: true });
  if (existsSync(CACHE)) rmSync(CACHE_ASIDE, { recursive: true });
  else renameSync(CACHE_ASIDE, CACHE);
}

function isBuilt() {
  if (!existsSync(STAMP) || !existsSync(join(root, "dist", "index.js"))) return false;
  const built = Date.parse(readFileSync(STAMP, "utf8"));
  return filesBelow(join(root, "src")).every((file) => statSync(join(root, "src", file)).mtimeMs < built);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await setup({ build: false });
  await buildLibrary();
}
