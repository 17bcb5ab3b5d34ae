/** Starts the server of a runtime. What is missing is installed from npm, with exact versions. */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules, createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { argumentsOf } from "../support/runtime-arguments.js";
import { within } from "../support/within.js";
import { FILE_CONTENT } from "./kinds.js";

export type RuntimeName = "node20" | "node22" | "node24" | "node26" | "bun" | "deno";

interface Npm {
  fromNpm(packages: Record<string, string>): string;
  runtimeFromNpm(name: RuntimeName): string;
}

const { fromNpm, runtimeFromNpm } = (await import(
  new URL("../../scripts/from-npm.mjs", import.meta.url).href
)) as Npm;

/** A server that runs. */
export interface Served {
  /** The runtime and its version. */
  readonly name: string;
  readonly port: number;
  /** What it can answer. */
  readonly kinds: readonly string[];
  close(): Promise<void>;
}

/** The version of `@hono/node-server` that stands among the dependencies. */
export const NEWEST = "2.1.9";

/** Versions of `@hono/node-server` that differ in how they send a response; the first is the oldest. */
export const NODE_SERVERS = [
  "1.0.0",
  "1.8.0",
  "1.11.0",
  "1.13.8",
  "1.14.0",
  "1.14.4",
  "1.19.0",
  "1.19.19",
  "2.0.0",
  NEWEST,
] as const;

/** What a server of a version is made by. It takes any Hono 4, and is given ours. */
function nodeServer(version: string): string {
  const directory = fromNpm({ "@hono/node-server": version, hono: "4.13.19" });
  const file = version === "1.0.0" ? "index.js" : "index.mjs";
  return pathToFileURL(join(directory, "node_modules", "@hono", "node-server", "dist", file)).href;
}

/** The program of a runtime: this process's own where it is of the version that is asked for. */
export function programOf(runtime: RuntimeName): string {
  return runtime === `node${process.versions.node.split(".")[0]}` ? process.execPath : runtimeFromNpm(runtime);
}

/** What a program of tests is run with. */
export function commandOf(
  runtime: RuntimeName,
  program: string,
  ...args: readonly string[]
): [command: string, args: string[]] {
  const file = fileURLToPath(new URL(program, import.meta.url));
  return [programOf(runtime), [...argumentsOf(runtime), file, ...args]];
}

/** `isNative`: with the runtime's classes, not those that the server puts in their place. */
export async function startOnNode(runtime: RuntimeName, version: string, isNative: boolean = false): Promise<Served> {
  const served = await startProgram(
    ...commandOf(runtime, "served.js", nodeServer(version), ...(isNative ? ["native"] : [])),
  );
  return { ...served, name: `${served.name}, ${isNative ? "its own classes" : `@hono/node-server ${version}`}` };
}

/** A server whose class keeps what a response was made from in another shape, as any later version may. */
export async function startOnUnknown(runtime: RuntimeName, version: string): Promise<Served> {
  const text = readFileSync(new URL(nodeServer(version)), "utf8");
  const changed = text.replace(/(this\[cacheKey\] = \[[^\]]+)\]/, "$1, undefined]");
  if (changed === text) throw new Error(`@hono/node-server ${version} looks different`);
  const directory = mkdtempSync(join(tmpdir(), "holdfast-node-server-"));
  const file = join(directory, "server.mjs");
  writeFileSync(file, changed);
  const served = await startProgram(...commandOf(runtime, "served.js", pathToFileURL(file).href));
  const close = async (): Promise<void> => {
    await served.close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { ...served, close, name: `${served.name}, @hono/node-server ${version} in another shape` };
}

/** Bun and Deno have servers of their own. */
export function start(runtime: "bun" | "deno"): Promise<Served> {
  return startProgram(...commandOf(runtime, "served.js"));
}

/** The plainest program, on their servers. */
export function startPlain(runtime: "bun" | "deno"): Promise<Served> {
  return startProgram(...commandOf(runtime, "plain.js"));
}

/** The rows of the answers matrix, on their servers or in a Worker. */
export function startAnswers(runtime: "bun" | "deno" | "workerd"): Promise<Served> {
  return runtime === "workerd"
    ? startWorkerd("answers-worker.js")
    : startProgram(...commandOf(runtime, "answers-served.js"));
}

/** The application of the adapter suite on Hono, on their servers or in a Worker. */
export function startStory(runtime: "bun" | "deno" | "workerd"): Promise<Served> {
  return runtime === "workerd"
    ? startWorkerd("../frameworks/hono-worker.js")
    : startProgram(...commandOf(runtime, "../frameworks/hono-served.js"));
}

async function startProgram(command: string, args: readonly string[]): Promise<Served> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-runtime-"));
  const file = join(directory, "module.js");
  writeFileSync(file, FILE_CONTENT);
  const child = spawn(command, args, {
    env: { ...process.env, HOLDFAST_TEST_FILE: file, NODE_NO_WARNINGS: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints = `${complaints}${text}`.slice(-4000)));
  const ended = new Promise<void>((resolve) => void child.once("close", () => resolve()));
  const close = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  const first = async (): Promise<string> => {
    for await (const line of createInterface(child.stdout)) return line;
    throw new Error(`${command} ended before it listened: ${complaints}`);
  };
  try {
    const told = JSON.parse(await within(20_000, `${command} to listen`, first())) as Omit<Served, "close">;
    child.stdout.resume();
    return { ...told, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** workerd and what starts it, and the bundler that makes one module of many. */
const WORKERD = { miniflare: "4.20260730.0", esbuild: "0.28.2" };

/** Of workerd itself, and of what starts it. */
export function workerdVersion(): string {
  const manifest = join(fromNpm(WORKERD), "node_modules", "workerd", "package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return `${version} (miniflare ${WORKERD.miniflare})`;
}

/** Versions and flags that a Worker is configured with. */
export interface Compatibility {
  readonly date: string;
  readonly flags: readonly string[];
}

const USUAL: Compatibility = { date: "2026-07-30", flags: ["nodejs_compat"] };

/** A Worker that runs. */
export interface Worker {
  readonly ready: Promise<URL>;
  dispatchFetch(url: string): Promise<Response>;
  dispose(): Promise<void>;
}

/** A module of a package of {@link WORKERD}. */
async function load(name: "miniflare" | "esbuild"): Promise<any> {
  const { main } = createRequire(import.meta.url)(join(fromNpm(WORKERD), "node_modules", name, "package.json")) as {
    main: string;
  };
  return import(pathToFileURL(join(fromNpm(WORKERD), "node_modules", name, main)).href);
}

/**
 * What is no part of a Worker, in the programs of the tests: something takes its place, or nothing that may be
 * called.
 */
const IN_A_WORKER = {
  name: "in a worker",
  setup(build: any): void {
    const own = (file: string) => () => ({ path: fileURLToPath(new URL(file, import.meta.url)) });
    const none = ({ importer, namespace }: { importer: string; namespace: string }): object | undefined =>
      namespace === "file" && !importer.includes("node_modules") ? { path: "none", namespace: "none" } : undefined;
    build.onResolve({ filter: /support\/client\.js$/ }, own("worker-client.js"));
    build.onResolve({ filter: /support\/apps\.js$/ }, own("worker-apps.js"));
    build.onResolve({ filter: /^(?:node:(?:http2|net|module)|@hono\/node-server)$/ }, none);
    build.onLoad({ filter: /.*/, namespace: "none" }, () => ({ contents: NOTHING, loader: "js", resolveDir: HERE }));
  },
};

const HERE = fileURLToPath(new URL(".", import.meta.url));
/** What the programs of the tests load with a `require` that they make is bundled, too. */
const REQUIRED = ["express4", "koa-bodyparser"].map((name) => `"${name}": () => require("${name}")`).join();
const NOTHING = `module.exports = { createRequire: () => (name) => ({ ${REQUIRED} })[name]() };`;

/** Packages call `require("net")`; a Worker imports `node:net`. */
const BUILTINS = {
  name: "built-in modules",
  setup(build: any): void {
    const filter = new RegExp(`^(?:node:)?(?:${builtinModules.join("|")})$`);
    build.onResolve({ filter }, ({ path, kind }: { path: string; kind: string }) => {
      const name = `node:${path.replace(/^node:/, "")}`;
      return kind === "require-call" ? { path: name, namespace: "builtin" } : { path: name, external: true };
    });
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }: { path: string }) => ({
      contents: `import whole from ${JSON.stringify(path)}; module.exports = whole;`,
      loader: "js",
    }));
  },
};

const FOR_WORKERS = {
  bundle: true,
  format: "esm",
  write: false,
  external: ["node:*", "cloudflare:*"],
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["workerd"],
};

/** A program of the tests and all that it imports, as one module. */
export async function bundled(program: string): Promise<string> {
  const { build } = await load("esbuild");
  const entryPoints = [fileURLToPath(new URL(program, import.meta.url))];
  const bundle = await build({ ...FOR_WORKERS, entryPoints, plugins: [IN_A_WORKER, BUILTINS] });
  return bundle.outputFiles[0].text as string;
}

/** An application with a package.json of its own has the built library as if it were installed. */
const AS_INSTALLED = {
  name: "holdfast as it is built",
  setup(build: any): void {
    build.onResolve({ filter: /^holdfast(?:\/|$)/ }, ({ path, kind, pluginData }: any) =>
      pluginData === AS_INSTALLED
        ? undefined
        : build.resolve(path, { kind, resolveDir: HERE, pluginData: AS_INSTALLED }),
    );
  },
};

/** A file, or code, of an application with the built library, as one module. */
export async function bundledFile(
  from: string | { readonly contents: string; readonly resolveDir: string },
  minify: boolean = false,
): Promise<string> {
  const { build } = await load("esbuild");
  const bundle = await build({
    ...FOR_WORKERS,
    minify,
    plugins: [AS_INSTALLED],
    ...(typeof from === "string" ? { entryPoints: [from] } : { stdin: from }),
  });
  return bundle.outputFiles[0].text as string;
}

/** A module, by the settings of miniflare. */
export async function startModule(contents: string, settings: object): Promise<Worker> {
  const { Miniflare } = await load("miniflare");
  const modules = [{ type: "ESModule", path: "worker.mjs", contents }];
  return new Miniflare({ host: "127.0.0.1", port: 0, modules, ...settings }) as Worker;
}

/** How a Worker is started: `hear` is given what it prints. */
interface WorkerOptions {
  readonly compatibility?: Compatibility;
  readonly bindings?: Readonly<Record<string, string>>;
  /** The class of the Durable Objects that it exports, for the binding `SESSIONS`. */
  readonly className?: string;
  hear?(text: string): void;
}

const DATABASE = { d1Databases: { DB: "sessions" } };

/** A Worker of a program of the tests. */
export async function startWorker(
  program: string,
  { compatibility: { date, flags } = USUAL, bindings = {}, className, hear = () => {} }: WorkerOptions = {},
): Promise<Worker> {
  const { Miniflare } = await load("miniflare");
  return new Miniflare({
    modules: [{ type: "ESModule", path: "worker.mjs", contents: await bundled(program) }],
    compatibilityDate: date,
    compatibilityFlags: flags,
    ...DATABASE,
    kvNamespaces: { KV: "cache" },
    ...(className && { durableObjects: { SESSIONS: { className, useSQLite: true } } }),
    bindings,
    host: "127.0.0.1",
    port: 0,
    handleRuntimeStdio(...streams: NodeJS.ReadableStream[]) {
      for (const stream of streams) stream.setEncoding("utf8").on("data", hear);
    },
  }) as Worker;
}

/** Passes requests on to two others in turn. */
const IN_TURN = "let n = 0; export default { fetch: (request, env) => (n++ % 2 ? env.A : env.B).fetch(request) };";

/** `date` of compatibility, and a folder in which the data is kept for a later start. */
export interface Isolates {
  readonly date?: string;
  readonly folder?: string;
}

/** Two isolates of one program over one database and the same Durable Objects, which requests reach in turn. */
export async function startIsolates(
  program: string,
  className: string,
  { date = USUAL.date, folder }: Isolates = {},
): Promise<Worker> {
  const { Miniflare } = await load("miniflare");
  const contents = await bundled(program);
  const compatible = { compatibilityDate: date, compatibilityFlags: USUAL.flags };
  const isolate = (name: string): object => ({
    name,
    modules: [{ type: "ESModule", path: "worker.mjs", contents }],
    ...compatible,
    ...DATABASE,
    durableObjects: { SESSIONS: { className, useSQLite: true, ...(name !== "a" && { scriptName: "a" }) } },
  });
  const front = {
    name: "front",
    modules: [{ type: "ESModule", path: "front.mjs", contents: IN_TURN }],
    ...compatible,
    serviceBindings: { A: "a", B: "b" },
  };
  const kept = folder && { d1Persist: join(folder, "d1"), durableObjectsPersist: join(folder, "objects") };
  const workers = [front, isolate("a"), isolate("b")];
  return new Miniflare({ host: "127.0.0.1", port: 0, ...kept, workers }) as Worker;
}

/** workerd, with the version of what it is. */
export function startOnWorkerd(): Promise<Served> {
  return startWorkerd(
    "worker.js",
    async (worker) => (await worker.dispatchFetch("http://localhost/kinds")).json() as Promise<string[]>,
  );
}

async function startWorkerd(
  program: string,
  kindsOf: (worker: Worker) => readonly string[] | Promise<readonly string[]> = () => [],
): Promise<Served> {
  const worker = await startWorker(program);
  try {
    const { port } = await worker.ready;
    const name = `workerd (miniflare ${WORKERD.miniflare})`;
    return { name, port: Number(port), kinds: await kindsOf(worker), close: () => worker.dispose() };
  } catch (error) {
    await worker.dispose();
    throw error;
  }
}

/** Cloudflare's own program, which needs Node 22 or newer. */
export function wranglerPath(): string {
  return join(fromNpm({ wrangler: "4.164.0" }), "node_modules", "wrangler", "bin", "wrangler.js");
}

/** Vercel's strictest runtime. */
export async function edgeRuntime(): Promise<{ EdgeRuntime: new () => { evaluate(code: string): any } }> {
  return createRequire(import.meta.url)(
    join(fromNpm({ "edge-runtime": "4.0.1" }), "node_modules", "edge-runtime"),
  ) as never;
}
