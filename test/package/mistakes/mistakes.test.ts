/**
 * Mistakes that people make with sessions, and what they are told: the whole message, the page it links to, and the
 * line of theirs that the stack begins with. No secret or token is among what is printed or sent.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CLIENTS } from "./clients.js";
import type { Mistake, Outcome } from "./mistake.js";
import { OPTIONS } from "./options.js";
import { REQUESTS } from "./requests.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const stage = fileURLToPath(new URL("stage.js", import.meta.url));
const SITE = "https://holdfast-sessions.github.io/holdfast/reference/errors/";
/** The password in the programs. */
const SECRET = "hunter2";

const mistakes: readonly Mistake[] = [...OPTIONS, ...CLIENTS, ...REQUESTS];
const application = installed();
after(() => rmSync(application, { recursive: true, force: true }));
const outcomes = played();

/** An application of its own, in which Holdfast is installed as npm installs it: not a link, below node_modules. */
function installed(): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-mistakes-"));
  const modules = join(directory, "node_modules");
  const own = join(modules, "holdfast");
  mkdirSync(own, { recursive: true });
  for (const name of ["dist", "package.json"]) cpSync(join(root, name), join(own, name), { recursive: true });
  for (const name of [
    "express",
    "express-session",
    "fastify",
    "koa",
    "hono",
    "redis",
    "ioredis",
    "pg",
    "mongodb",
    "@upstash",
  ])
    symlinkSync(join(root, "node_modules", name), join(modules, name), "junction");
  writeFileSync(join(directory, "package.json"), '{ "private": true, "type": "module" }');
  return directory;
}

/** All programs run in one process. */
function played(): readonly Outcome[] {
  const files = mistakes.map(({ program }, i) => {
    const file = join(application, `mistake-${i}.js`);
    writeFileSync(file, program);
    return file;
  });
  const result = join(application, "outcomes.json");
  const { NODE_ENV: _, NODE_TEST_CONTEXT: __, ...env } = process.env;
  execFileSync(process.execPath, [stage, result, ...files], { cwd: application, env, timeout: 120_000 });
  return JSON.parse(readFileSync(result, "utf8")) as Outcome[];
}

/** The first line of a stack that is neither the runtime's nor a package's. */
function ownLine(stack: string): string {
  const foreign = /node_modules|node:|\(<anonymous>\)|mistakes\/stage\.js/;
  return stack.split("\n").find((line) => /^\s+at /.test(line) && !foreign.test(line)) ?? "none";
}

for (const [i, { mistake, says, code = "wrong-option", line }] of mistakes.entries()) {
  test(mistake, () => {
    const { message, stack, shown, tokens, code: thrown } = outcomes[i]!;
    assert.equal(message, `${says}; see ${SITE}${code}`);
    assert.ok(!message.includes("\n"));
    if (line === undefined) assert.match(ownLine(stack), new RegExp(`mistake-${i}\\.js:\\d`), stack);
    if (stack !== "") assert.equal(thrown, code);
    for (const secret of [SECRET, ...tokens]) assert.ok(!`${message}${stack}${shown}`.includes(secret), shown);
  });
}

test("there are seventy mistakes and more, each of them once", () => {
  assert.ok(mistakes.length >= 70);
  assert.equal(new Set(mistakes.map(({ mistake }) => mistake)).size, mistakes.length);
});

test("a TypeError or RangeError is made with its code and its link, everywhere", () => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  // Reasons that are part of another message, and what takes the place of express-session, with its messages.
  const others = /^open\.ts$|^adopt[/\\]old-store\.ts$|^express-session[/\\]/;
  const without = sources.filter(
    (file) => !others.test(file) && /new (Type|Range)Error\(/.test(readFileSync(join(root, "src", file), "utf8")),
  );
  assert.deepEqual(without, []);
});
