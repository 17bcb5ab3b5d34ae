/** `npm run check:package`: what would be published, as publint and "are the types wrong" see it. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, setup } from "./setup.mjs";

const publint = join(root, "node_modules", "publint", "src", "cli.js");
const attw = join(root, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js");

/** Packs as npm would, and checks the tarball. */
export function checkPackage() {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-package-"));
  try {
    npm("pack", "--ignore-scripts", "--silent", "--pack-destination", directory);
    const tarball = join(directory, readdirSync(directory)[0]);
    node(publint, "--strict", tarball);
    node(attw, tarball, "--profile", "esm-only", "--format", "table", "--no-emoji", "--no-color");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function npm(...args) {
  const path = process.env.npm_execpath;
  if (path) node(path, ...args);
  else execute("npm", args, { shell: process.platform === "win32" });
}

function node(...args) {
  execute(process.execPath, args);
}

function execute(command, args, options = {}) {
  try {
    execFileSync(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
  } catch (error) {
    throw new Error(`${args.join(" ")}\n${error.stdout}${error.stderr}`, { cause: error });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await setup();
  checkPackage();
  console.log("publint and attw found nothing");
}
