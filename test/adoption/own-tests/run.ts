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
/** Of a process that is started: far above what any takes; the tests take 10 s. */
const PROCESS_TIMEOUT = 120_000;
const MOST_OUTPUT = 16 * 1024 * 1024;

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
    await promisify(execFile)("tar", ["xzf", tarball, "-C", directory, "--strip-components=1"], {
      timeout: PROCESS_TIMEOUT,
    });
    return directory;
  } catch {
    return undefined;
  }
}

interface Failure {
  readonly fullTitle: string;
  readonly message: string;
}

interface Report {
  readonly passes: number;
  readonly failures: readonly Failure[];
  /** Of the last test that ended, if the process had to be ended. */
  readonly hungAfter?: string;
}

async function play(source: string, side: Side): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-own-tests-"));
  try {
    prepare(source, directory, side);
    const packages = fromNpm(PACKAGES);
    symlinkSync(join(packages, "node_modules"), join(directory, "node_modules"), "dir");
    await promisify(execFile)("sh", [join(directory, "test", "support", "gencert.sh")], {
      cwd: directory,
      timeout: PROCESS_TIMEOUT,
    }).catch(() => {
      throw new Error("the tests' certificate needs openssl");
    });
    return await mocha(packages, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Plays what is in a directory. mocha's process ends with the number of failures; one that hangs is ended. */
function mocha(packages: string, directory: string): Promise<Report> {
  const dateHeader = join(here, "date-header.cjs");
  const command = join(packages, "node_modules", "mocha", "bin", "mocha.js");
  const args = [
    command,
    "--require",
    "test/support/env",
    "--require",
    dateHeader,
    "--exit",
    "--reporter",
    "json-stream",
    "test/",
  ];
  const env = {
    ...process.env,
    HOLDFAST_DROP_IN: join(root, "dist", "express-session", "express-session.js"),
    HOLDFAST_MEMORY: join(root, "dist", "storage", "memory.js"),
  };
  const options = {
    cwd: directory,
    env,
    timeout: PROCESS_TIMEOUT,
    killSignal: "SIGKILL",
    maxBuffer: MOST_OUTPUT,
  } as const;
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const report = read(stdout, error?.killed === true);
      if (report) resolve(report);
      else
        reject(new Error(`mocha has not played express-session's tests: ${stderr.slice(-2000)}`, { cause: error }));
    });
  });
}

/** What mocha has told, a line for each test; undefined if it did not come to the end. */
function read(stdout: string, hung: boolean): Report | undefined {
  const events = stdout
    .split("\n")
    .filter((line) => line.startsWith('["') && line.endsWith("]"))
    .map((line) => JSON.parse(line) as readonly [string, { readonly fullTitle: string; readonly err?: string }]);
  const ended = events.filter(([event]) => event === "pass" || event === "fail");
  if (!hung && !events.some(([event]) => event === "end")) return undefined;
  return {
    passes: ended.filter(([event]) => event === "pass").length,
    failures: ended
      .filter(([event]) => event === "fail")
      .map(([, { fullTitle, err }]) => ({ fullTitle, message: err ?? "failed" })),
    ...(hung && { hungAfter: ended.at(-1)?.[1].fullTitle ?? "the start" }),
  };
}

/** A directory where the tests find the drop-in as `../` and as `../session/cookie`. */
function prepare(source: string, directory: string, side: Side): void {
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

function judge(side: Side, { passes, failures, hungAfter }: Report): OwnTestsResult {
  const meant = OWN_TESTS.filter((one) => one.side === undefined || one.side === side);
  const entryOf = (title: string): OwnTest | undefined => meant.find(({ test }) => title.endsWith(test));
  const wrong = failures.filter(({ fullTitle }) => !entryOf(fullTitle));
  for (const { fullTitle, message } of wrong) console.log(`✖ ${fullTitle} (${side})\n    ${message}`);
  const hung = hungAfter === undefined ? 0 : 1;
  if (hung) console.log(`✖ a test did not end in ${PROCESS_TIMEOUT / 1000} s (${side}): the one after ${hungAfter}`);
  const hasFailed = ({ test }: OwnTest): boolean => failures.some(({ fullTitle }) => fullTitle.endsWith(test));
  const stale = hung ? [] : meant.filter((one) => !hasFailed(one));
  for (const { test, why } of stale) console.log(`✖ meant to fail on the ${side}, and passes: ${test} (${why})`);
  const total = passes + failures.length;
  console.log(
    `express-session's own tests on the ${side}: ${passes} of ${total} pass, ` +
      `${failures.length - wrong.length} fail as meant.`,
  );
  return { passed: total - wrong.length, failed: wrong.length + stale.length + hung };
}
