import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "../support/client.js";
import { byWrangler } from "./wrangler.js";
import { bundled, commandOf, edgeRuntime, programOf, startPlain, startWorker, type Compatibility } from "./start.js";
import { playSuites } from "./suites.js";

const run = promisify(execFile);
const PLAIN = fileURLToPath(new URL("plain.js", import.meta.url));

async function plainHolds(runtime: "bun" | "deno"): Promise<void> {
  const served = await startPlain(runtime);
  try {
    const client = new Client(`http://127.0.0.1:${served.port}`);
    assert.deepEqual([(await client.get("/")).json(), (await client.get("/")).json()], [{ n: 1 }, { n: 2 }]);
  } finally {
    await served.close();
  }
}

/** Nothing is asked for. What is not known is said, with the permission that is lacking; no more is lacking than that. */
async function denoUnasked(): Promise<void> {
  const asked = (...permissions: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
    run(programOf("deno"), ["run", "--no-prompt", ...permissions, PLAIN, "ask"]);
  const { stdout, stderr } = await asked();
  assert.deepEqual(JSON.parse(stdout), { n: 1 });
  assert.match(
    stderr,
    /whether this is production is not known; start Deno with --allow-env=NODE_ENV, or write storage/,
  );
  assert.equal(stderr.trim().split("\n").length, 1, stderr);
  const permitted = await asked("--allow-env=NODE_ENV");
  assert.deepEqual([JSON.parse(permitted.stdout), permitted.stderr], [{ n: 1 }, ""]);
}

async function denoInProduction(): Promise<void> {
  const env = { ...process.env, NODE_ENV: "production" };
  const { stderr } = await run(programOf("deno"), ["run", "--no-prompt", "--allow-env", PLAIN, "ask"], { env });
  assert.match(stderr, /keeps sessions in memory.*write storage: redisStorage/);
}

/** By the variables of a platform: its name, and the storage that is named. */
const PLATFORMS: readonly (readonly [variables: readonly string[], name: string, storage: string])[] = [
  [["AWS_LAMBDA_FUNCTION_NAME"], "AWS Lambda", "dynamodbStorage(client)"],
  [["VERCEL", "AWS_LAMBDA_FUNCTION_NAME"], "Vercel", "upstashStorage(redis)"],
  [["VERCEL", "NEXT_RUNTIME"], "Vercel", "upstashStorage(redis)"],
  [["NETLIFY", "AWS_LAMBDA_FUNCTION_NAME"], "Netlify", "upstashStorage(redis)"],
  [["FUNCTION_TARGET", "K_SERVICE"], "Google Cloud Functions", "redisStorage(client)"],
  [["K_SERVICE"], "Google Cloud Run", "redisStorage(client)"],
  [["FUNCTIONS_WORKER_RUNTIME"], "Azure Functions", "redisStorage(client)"],
];

function on(variables: readonly string[], mode: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_ENV: mode, ...Object.fromEntries(variables.map((name) => [name, "1"])) };
}

async function shortLived(program: string = process.execPath): Promise<void> {
  for (const [variables, name, storage] of PLATFORMS) {
    const { stderr } = await run(program, [PLAIN, "ask"], { env: on(variables, "test") });
    const says = `holdfast keeps sessions in memory: here many processes come and go (${name}): sessions get lost; write storage: ${storage}`;
    assert.ok(stderr.includes(`HoldfastWarning: ${says}`), `${variables}: ${stderr}`);
  }
}

/** Passing the storage of memory is a mistake there as well, except in tests; elsewhere it is a choice. */
async function shortLivedOnPurpose(program: string = process.execPath): Promise<void> {
  for (const [variables, mode, isWarned] of [
    [["AWS_LAMBDA_FUNCTION_NAME"], "production", true],
    [["VERCEL"], "production", true],
    [["VERCEL"], "test", false],
    [[], "production", false],
  ] as const) {
    const { stderr } = await run(program, [PLAIN, "ask", "memory"], { env: on(variables, mode) });
    assert.equal(/here many processes come and go/.test(stderr), isWarned, `${variables}, ${mode}: ${stderr}`);
  }
}

async function denoDeploy(): Promise<void> {
  for (const name of ["DENO_DEPLOYMENT_ID", "DENO_DEPLOY"]) {
    const { stderr } = await run(programOf("deno"), ["run", "--no-prompt", "--allow-env", PLAIN, "ask"], {
      env: on([name], "production"),
    });
    assert.match(stderr, /come and go \(Deno Deploy\).*; write storage: denoKvStorage\(await Deno\.openKv\(\)\)/);
  }
}

/** Deno keeps a file in SQLite, which one process at a time writes. */
async function twoOnOneKv(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-kv-"));
  const asked = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run(...commandOf("deno", "kv-child.js", ...args));
    return stdout.trim();
  };
  try {
    const file = join(directory, "sessions.kv");
    const id = await asked("begin", file);
    await Promise.all([1, 2].map(() => asked("count", file, id, "40")));
    assert.deepEqual(JSON.parse(await asked("read", file, id)), [80, 40]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Cases that only the clients of a runtime itself have. */
async function ownClients(runtime: "bun" | "deno"): Promise<void> {
  const failed: string[] = [];
  let held = 0;
  await playSuites(runtime, [`clients/${runtime}`], ({ name, error }) => {
    if (error === undefined) held++;
    else failed.push(`${name}: ${error}`);
  });
  assert.deepEqual(failed, []);
  assert.ok(held > 3, `${held} cases`);
}

async function answerOf(compatibility: Compatibility): Promise<{ answer: string; said: string }> {
  const said: string[] = [];
  const worker = await startWorker("plain-worker.js", { compatibility, hear: (text) => void said.push(text) });
  try {
    const response = await worker.dispatchFetch("http://localhost/");
    return { answer: await response.text(), said: said.join("") };
  } finally {
    await worker.dispose();
  }
}

async function workerWithout(): Promise<void> {
  for (const compatibility of [
    { date: "2026-07-30", flags: [] },
    { date: "2024-09-22", flags: ["nodejs_compat"] },
  ]) {
    const { answer } = await answerOf(compatibility);
    assert.match(answer, /^unsupported: this Worker has no node:crypto.*nodejs_compat.*2024-09-23.*2026-08-04/);
  }
}

async function workerWith(): Promise<void> {
  for (const compatibility of [
    { date: "2024-09-23", flags: ["nodejs_compat"] },
    { date: "2026-07-30", flags: ["nodejs_compat"] },
  ]) {
    const { answer, said } = await answerOf(compatibility);
    assert.deepEqual(JSON.parse(answer), { n: 1 });
    assert.match(said, /keeps sessions in memory: here many processes come and go/);
    assert.match(said, /write storage: \(_request, env\) => durableStorage\(env\.SESSIONS\), or another/);
  }
}

const OF_KV = /KV namespace of Cloudflare.*compares no version.*60 seconds old/;
const OF_D1 = /write d1Storage\(env\.DB\), of holdfast\/storage\/cloudflare/;
const OF_OBJECTS = /write durableStorage\(env\.SESSIONS\), of holdfast\/storage\/cloudflare/;
const EITHER = /write d1Storage\(env\.DB\) or durableStorage\(env\.SESSIONS\), of holdfast\/storage\/cloudflare/;

/** What a binding is refused with, by what was written. */
const REFUSED: Readonly<Record<string, readonly RegExp[]>> = {
  "sqliteStorage(env.DB)": [/D1/, OF_D1],
  "sqliteStorage(env.DB.withSession())": [/D1/, OF_D1],
  "d1Storage(env.DB.withSession())": [/session of D1.*replica.*write d1Storage\(env\.DB\)/],
  "durableStorage(env.DB)": [/D1/, OF_D1],
  "d1Storage(env.SESSIONS)": [/namespace of Durable Objects/, OF_OBJECTS],
  "durableStorage(a stub)": [/write env\.SESSIONS, with "durable_objects"/],
  "d1Storage(a stub)": [/write env\.DB, with "d1_databases"/],
  "d1Storage(env.MISSING)": [/database is undefined; write env\.DB, with "d1_databases"/],
  "durableStorage(env.MISSING)": [/namespace is undefined; write env\.SESSIONS, with "durable_objects"/],
  "d1Storage(env)": [/the whole environment; write d1Storage\(env\.DB\)/],
  "durableStorage(env)": [/the whole environment; write durableStorage\(env\.SESSIONS\)/],
  "d1Storage(env.KV)": [OF_KV, EITHER],
  "durableStorage(env.KV)": [OF_KV, EITHER],
  "redisStorage(env.KV)": [OF_KV, EITHER],
  "storage: env.KV": [OF_KV, EITHER],
  "storage: env.DB": [OF_D1],
  "storage: env.SESSIONS": [OF_OBJECTS],
  "startSweep()": [/no timer between requests; write a Cron Trigger/],
};

async function bindingsRefused(): Promise<void> {
  const worker = await startWorker("mistakes-worker.js", { className: "HoldfastSessions" });
  try {
    const said = (await (await worker.dispatchFetch("http://localhost/")).json()) as Record<string, string>;
    assert.deepEqual(Object.keys(said), Object.keys(REFUSED));
    for (const [written, expected] of Object.entries(REFUSED))
      for (const one of [/^TypeError: holdfast: /, ...expected]) assert.match(said[written]!, one, written);
  } finally {
    await worker.dispose();
  }
}

/** Next puts functions that throw in the place of those that its Edge Runtime lacks. */
const NEXT_EDGE = `{
  env: { NODE_ENV: "production" },
  getBuiltinModule() { throw new Error("A Node.js API is used (process.getBuiltinModule)"); },
  emitWarning() { throw new Error("A Node.js API is used (process.emitWarning)"); },
}`;

const NEXT_EDGE_ENVIRONMENT = `{ env: { NEXT_RUNTIME: "edge" } }`;

async function edge(): Promise<void> {
  const { EdgeRuntime } = await edgeRuntime();
  const code = await bundled("edge-entry.js");
  for (const polyfill of ["undefined", NEXT_EDGE, NEXT_EDGE_ENVIRONMENT]) {
    const runtime = new EdgeRuntime();
    runtime.evaluate(`globalThis.process = ${polyfill};`);
    runtime.evaluate(`(() => { ${code} })();`);
    assert.match(
      runtime.evaluate("globalThis.outcome"),
      /^unsupported: this runtime has no node:crypto.*an Edge Runtime; write export const runtime = "nodejs".*proxy\.ts/,
    );
  }
}

/** Something that only one runtime has to be asked, or that it lacks. */
export interface Limit {
  readonly on: "node" | "bun" | "deno" | "workerd" | "edge-runtime";
  readonly name: string;
  /** `program`: which Node; default this one. */
  run(program?: string): Promise<void>;
  /** Only `npm run runtimes` runs it: it installs a large program. */
  readonly isLong?: true;
}

export const LIMITS: readonly Limit[] = [
  ...(["bun", "deno"] as const).map((on) => ({
    on,
    name: `${on}: the wrapped handler is what the server is given, and sessions hold`,
    run: () => plainHolds(on),
  })),
  {
    on: "deno",
    name: "Deno without any permission: nothing is asked for, sessions are made, and what is not known is said",
    run: denoUnasked,
  },
  {
    on: "deno",
    name: "Deno with the permission: production is worth a warning where sessions are in memory",
    run: denoInProduction,
  },
  { on: "deno", name: "Deno KV: two processes on one file lose no increment, login or logout", run: twoOnOneKv },
  ...(["bun", "deno"] as const).map((on) => ({
    on,
    name: `${on}: its own clients: limits, outages, and what is refused`,
    run: () => ownClients(on),
  })),
  {
    on: "node",
    name: "on a platform with short-lived processes, sessions in memory are worth a warning",
    run: shortLived,
  },
  {
    on: "node",
    name: "on such a platform the storage of memory is worth a warning also if it is passed, but not in tests",
    run: shortLivedOnPurpose,
  },
  { on: "deno", name: "on Deno Deploy sessions in memory are worth a warning that names Deno KV", run: denoDeploy },
  {
    on: "workerd",
    name: "a Worker without node:crypto refuses to make sessions, and names the flag and the date",
    run: workerWithout,
  },
  { on: "workerd", name: "a Worker with it makes sessions, and is warned of those in memory", run: workerWith },
  {
    on: "workerd",
    name: "KV is refused by every driver, and D1 and Durable Objects where they do not belong, in words of what to write",
    run: bindingsRefused,
  },
  {
    on: "workerd",
    name: "the example for Workers is built and served by wrangler, by its own configuration, and has the size its page names",
    run: byWrangler,
    isLong: true,
  },
  {
    on: "edge-runtime",
    name: "in an Edge Runtime the entries load, and making sessions says what is missing, also if its functions throw",
    run: edge,
  },
];
