import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { OWN_TESTS, type OwnTest } from "../meant.js";
import type { Side } from "../program.js";

interface Npm {
  fromNpm(packages: Readonly<Record<string, string>>): string;
}

const { fromNpm } = (await import(new URL("../../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;

/**
 * express-session's own tests, played against the drop-in from outside. They are no part of this project: they are
 * those of the tag below, or of the directory that HOLDFAST_EXPRESS_SESSION_TESTS names (a checkout of it).
 */
const TARBALL = "https://codeload.github.com/expressjs/session/tar.gz/refs/tags/v1.19.0";
const PACKAGES = { mocha: "10.8.2", after: "0.8.2", "cookie-parser": "1.4.6", express: "4.17.3", supertest: "6.3.4" };
const FETCH_TIMEOUT = 15_000;

const root = fileURLToPath(new URL("../../../", import.meta.url));
const here = join(root, "test", "adoption", "own-tests");

/** How many of the tests passed or failed as they are meant to, and what is wrong. */
export interface OwnTestsResult {
  readonly passed: number;
  readonly failed: number;
}

/** Plays the tests with stores and with a storage. */
export async function runOwnTests(): Promise<OwnTestsResult> {
  const source = await sourceOfTests();
  if (!source) {
    console.log("express-session's own tests were not run: GitHub cannot be reached, and");
    console.log("HOLDFAST_EXPRESS_SESSION_TESTS names no checkout of https://github.com/expressjs/session.");
    return { passed: 0, failed: 0 };
  }
  const sides = ["store", "storage"] as const;
  const results: OwnTestsResult[] = [];
  for (const side of sides) results.push(judge(side, await play(source, side)));
  return { passed: sum(results, "passed"), failed: sum(results, "failed") };
}

function sum(results: readonly OwnTestsResult[], key: keyof OwnTestsResult): number {
  return results.reduce((total, one) => total + one[key], 0);
}

async function sourceOfTests(): Promise<string | undefined> {
  const named = process.env["HOLDFAST_EXPRESS_SESSION_TESTS"];
  if (named) {
    if (!existsSync(join(named, "test", "session.js"))) throw new Error(`${named} has no test/session.js`);
    return named;
  }
  const directory = join(root, "node_modules", ".cache", "holdfast", "express-session-1.19.0");
  if (existsSync(join(directory, "test", "session.js"))) return directory;
  try {
    const response = await fetch(TARBALL, { signal: AbortSignal.timeout(FETCH_TIMEOUT) });
    if (!response.ok) return undefined;
    mkdirSync(directory, { recursive: true });
    const tarball = join(directory, "all.tar.gz");
    writeFileSync(tarball, Buffer.from(await response.arrayBuffer()));
    await promisify(execFile)("tar", ["xzf", tarball, "-C", directory, "--strip-components=1"]);
    return directory;
  } catch {
    return undefined;
  }
}

interface Report {
  readonly passes: readonly { readonly fullTitle: string }[];
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message?: string } }[];
}

async function play(source: string, side: "store" | "storage"): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-own-tests-"));
  try {
    prepare(source, directory, side);
    const packages = fromNpm(PACKAGES);
    symlinkSync(join(packages, "node_modules"), join(directory, "node_modules"), "dir");
    await promisify(execFile)("sh", [join(directory, "test", "support", "gencert.sh")], { cwd: directory }).catch(
      () => {
        throw new Error("the tests' certificate needs openssl");
      },
    );
    const report = join(directory, "report.json");
    const args = [
      "--require",
      "test/support/env",
      "--exit",
      "--reporter",
      "json",
      "--reporter-option",
      `output=${report}`,
      "test/",
    ];
    const environment = {
      ...process.env,
      HOLDFAST_DROP_IN: join(root, "dist", "express-session", "express-session.js"),
      HOLDFAST_MEMORY: join(root, "dist", "storage", "memory.js"),
    };
    const mocha = join(packages, "node_modules", "mocha", "bin", "mocha.js");
    // It ends with the number of failures.
    await promisify(execFile)(process.execPath, [mocha, ...args], { cwd: directory, env: environment }).catch(
      () => {},
    );
    return JSON.parse(readFileSync(report, "utf8")) as Report;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A directory where the tests find the drop-in as `../` and as `../session/cookie`. */
function prepare(source: string, directory: string, side: "store" | "storage"): void {
  cpSync(join(source, "test"), join(directory, "test"), { recursive: true });
  mkdirSync(join(directory, "test", "fixtures"), { recursive: true });
  cpSync(join(here, `with-${side}.cjs`), join(directory, "index.js"));
  writeFileSync(join(directory, "package.json"), "{}");
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, { default: string }>;
  };
  for (const name of ["cookie", "memory", "session", "store"]) {
    const file = join(directory, "session", `${name}.js`);
    mkdirSync(dirname(file), { recursive: true });
    const target = join(root, exports[`./express-session/session/${name}`]!.default);
    writeFileSync(file, `module.exports = require(${JSON.stringify(target)});\n`);
  }
}

function judge(side: Side, { passes, failures }: Report): OwnTestsResult {
  const meant = OWN_TESTS.filter((one) => one.side === undefined || one.side === side);
  const entryOf = (title: string): OwnTest | undefined => meant.find(({ test }) => title.endsWith(test));
  const wrong = failures.filter(({ fullTitle }) => !entryOf(fullTitle));
  for (const { fullTitle, err } of wrong) console.log(`✖ ${fullTitle} (${side})\n    ${err.message ?? "failed"}`);
  const stale = meant.filter(({ test }) => !failures.some(({ fullTitle }) => fullTitle.endsWith(test)));
  for (const { test, why } of stale) console.log(`✖ meant to fail on the ${side}, and passes: ${test} (${why})`);
  const total = passes.length + failures.length;
  console.log(
    `express-session's own tests on the ${side}: ${passes.length} of ${total} pass, ` +
      `${failures.length - wrong.length} fail as meant.`,
  );
  return { passed: total - wrong.length, failed: wrong.length + stale.length };
}
