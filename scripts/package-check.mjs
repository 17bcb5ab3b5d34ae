/**
 * `npm run package-check`: packs the library as npm would publish it, installs the package in new projects, and uses it
 * there as its users do: with every version of TypeScript, module resolution, test runner and bundler that is promised.
 * `npm run package-check -- PATTERN …` runs the rows whose name contains one of the patterns. The last line is `N
 * passed, N failed`.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { ROWS } from "./consumers/rows.mjs";
import { npm, root, setup } from "./setup.mjs";

const run = promisify(execFile);

/** Packs the library, as `npm publish` would. Answers the tarball and what npm says of it. */
export async function pack(directory) {
  const path = process.env.npm_execpath;
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", directory];
  const [command, all] = path ? [process.execPath, [path, ...args]] : ["npm", args];
  const { stdout } = await run(command, all, { cwd: root, shell: !path && process.platform === "win32" });
  const [facts] = JSON.parse(stdout);
  return {
    ...facts,
    tarball: join(
      directory,
      readdirSync(directory).find((file) => file.endsWith(".tgz")),
    ),
  };
}

/** The names under which applications import the library, as package.json has them. */
export function entryNames() {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Object.keys(exports)
    .filter((name) => !name.endsWith(".json"))
    .map((name) => `holdfast${name.slice(1)}`);
}

/** Entries that import their framework when they are loaded: their types are compiled, and one row runs them. */
const WITH_FRAMEWORK = ["holdfast/nestjs"];

/** What a row is given: the package, and projects that it is installed in. */
class Bench {
  constructor(directory, packed) {
    this.directory = directory;
    this.packed = packed;
    this.entries = entryNames().filter((name) => !WITH_FRAMEWORK.includes(name));
    this.typed = entryNames();
    this.projects = new Map();
  }

  /** A new project with the package and these others, installed by npm once. */
  project(name, dependencies = {}) {
    if (!this.projects.has(name)) this.projects.set(name, this.#install(name, dependencies));
    return this.projects.get(name);
  }

  async #install(name, dependencies) {
    const directory = join(this.directory, name);
    mkdirSync(directory);
    const manifest = {
      private: true,
      type: "module",
      dependencies: { holdfast: `file:${this.packed.tarball}`, ...dependencies },
    };
    writeFileSync(join(directory, "package.json"), JSON.stringify(manifest));
    const args = ["install", "--ignore-scripts", "--no-package-lock", "--prefer-offline", "--loglevel=error"];
    const status = await npm(args, { cwd: directory, stdio: ["ignore", "ignore", "inherit"] });
    if (status !== 0) throw new Error(`npm install failed in the project ${name}`);
    return directory;
  }

  /** Writes files of an application: `{ path: text }`. */
  write(directory, files) {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), typeof text === "string" ? text : JSON.stringify(text));
    }
  }

  /** Runs a program of Node in a directory; throws with all that it printed if it fails. */
  async node(directory, args, env = {}) {
    const { NODE_TEST_CONTEXT: _, ...own } = process.env;
    try {
      const options = { cwd: directory, env: { ...own, ...env }, timeout: 240_000, maxBuffer: 1 << 26 };
      const { stdout, stderr } = await run(process.execPath, args, options);
      return `${stdout}${stderr}`;
    } catch (error) {
      throw new Error(`${error.stdout ?? ""}${error.stderr ?? ""}`.trim() || error.message, { cause: error });
    }
  }
}

/** Runs the rows whose name contains a pattern; answers how many passed and failed. */
export async function check(patterns = []) {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-package-"));
  const total = { passed: 0, failed: 0 };
  const failures = [];
  try {
    const packed = await pack(directory);
    const bench = new Bench(directory, packed);
    const chosen = ROWS.filter(
      ({ name }) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern)),
    );
    if (chosen.length === 0) throw new Error(`no row's name contains ${patterns.join(" or ")}`);
    const width = Math.max(...chosen.map(({ name }) => name.length));
    for (const { name, play } of chosen) {
      const began = performance.now();
      const [note, error] = await play(bench).then(
        (said) => [said ?? ""],
        (thrown) => ["", thrown],
      );
      total[error ? "failed" : "passed"] += 1;
      if (error) failures.push({ name, error });
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`${error ? "✖" : "✔"} ${name.padEnd(width)}  ${seconds.padStart(5)} s  ${note}`.trimEnd());
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  for (const [i, { name, error }] of failures.entries())
    console.log(`\n${i + 1}) ${name}\n${error.message.replace(/^/gm, "    ")}`);
  return total;
}

/** The short part, for `npm test`: what npm, publint and "are the types wrong" say, and every entry loaded. */
export async function assertPackage() {
  const { failed } = await check(["npm:", "node:"]);
  if (failed > 0) throw new Error("the package has the faults listed above");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await setup();
  const { passed, failed } = await check(process.argv.slice(2));
  process.exitCode = failed > 0 ? 1 : 0;
  console.log(`\n${passed} passed, ${failed} failed`);
}
