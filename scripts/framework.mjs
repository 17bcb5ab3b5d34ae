/**
 * `npm start -- --framework NAME`: a small shop on one framework. `examples/small-shop/NAME.ts` runs as it is; a
 * directory `examples/NAME` with a `package.json` is an application that its framework compiles: its packages are
 * installed from npm when they are first needed, and its script `dev` runs (without one: `build`, then `start`).
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fromNpm, runtimeFromNpm } from "./from-npm.mjs";
import { freePort } from "./services/lib.mjs";
import { root } from "./setup.mjs";
import { workshop } from "./workshop.mjs";

const EXAMPLES = join(root, "examples");
const SMALL_SHOP = join(EXAMPLES, "small-shop");
const HELPERS = ["pages.ts", "node-http.ts"];
const USUAL_PORT = 3000;
const LOOPBACK = "127.0.0.1";
/** How a framework's development server is told where to listen, if not by `--host`. */
const HOST_OPTION = { next: "--hostname", wrangler: "--ip" };
/** A development server compiles before it listens. */
const MOST_MS = 120_000;
const SIGNALS = ["SIGINT", "SIGTERM"];

/** The names that `--framework` takes. */
export function frameworkNames() {
  const small = readdirSync(SMALL_SHOP).filter((file) => file.endsWith(".ts") && !HELPERS.includes(file));
  const own = readdirSync(EXAMPLES).filter((name) => existsSync(join(EXAMPLES, name, "package.json")));
  return [...small.map((file) => file.replace(/\.ts$/, "")), ...own].sort();
}

/** Starts the shop on a framework, until a signal ends it. Throws if there is none of this name. */
export async function openFramework(name, wanted) {
  if (!frameworkNames().includes(name))
    throw new Error(`there is no framework ${JSON.stringify(name)}; write one of ${frameworkNames().join(", ")}`);
  const port = wanted === undefined ? await usualPort() : await portIfFree(Number(wanted));
  if (port === undefined) throw new Error(`port ${wanted} is in use; write another one`);
  const { steps, cwd, remove } = existsSync(join(SMALL_SHOP, `${name}.ts`)) ? small(name) : prepared(name, port);
  const signal = new AbortController();
  const end = () => signal.abort();
  for (const name of SIGNALS) process.on(name, end);
  try {
    for (const step of steps.slice(0, -1)) await run(step, { cwd, port, signal: signal.signal });
    const serving = run(steps.at(-1), { cwd, port, signal: signal.signal });
    await Promise.race([announced(name, port, signal.signal), serving]);
    await serving;
  } finally {
    remove();
    for (const name of SIGNALS) process.off(name, end);
  }
}

function small(name) {
  return { steps: [[process.execPath, join(EXAMPLES, "dist", "small-shop", `${name}.js`)]], cwd: root, remove() {} };
}

/** A copy of an application with its packages, and the commands that run it. */
function prepared(name, port) {
  const { scripts, engines, ...of } = JSON.parse(readFileSync(join(EXAMPLES, name, "package.json"), "utf8"));
  const { holdfast: _, ...packages } = { ...of.dependencies, ...of.devDependencies };
  const { directory, remove } = workshop(`start-${name}`, fromNpm(packages), { [`examples/${name}`]: "." });
  const commands = scripts.dev ? [scripts.dev] : [scripts.build, scripts.start].filter(Boolean);
  const steps = commands.map((command) => commandOf(command, directory, nodeOf(engines)));
  if (scripts.dev) steps[0].push(...listeningOn(scripts.dev, port));
  return { steps, cwd: directory, remove };
}

/** A command of a `package.json`, whose program is Node, Bun, or one that a package has. */
function commandOf(command, directory, node) {
  const [program, ...args] = command.split(" ");
  if (program === "node") return [node, ...args];
  if (program === "bun") return [runtimeFromNpm("bun"), ...args];
  return [node, realpathSync(join(directory, "node_modules", ".bin", program)), ...args];
}

/** This Node, or a newer one if the application needs it. */
function nodeOf({ node = ">=20" } = {}) {
  const [own, least] = [process.versions.node, node.replace(/^\D*/, "")].map((text) => parseInt(text, 10));
  return own >= least ? process.execPath : runtimeFromNpm("node");
}

function listeningOn(command, port) {
  const [program] = command.split(" ");
  if (["node", "bun"].includes(program)) return [];
  return [HOST_OPTION[program] ?? "--host", LOOPBACK, "--port", String(port)];
}

/**
 * Runs a command in a group of processes of its own, to its end or to the signal, which ends all of them. Rejects if
 * it fails.
 */
function run([program, ...args], { cwd, port, signal }) {
  if (signal.aborted) return Promise.resolve();
  const env = { ...process.env, PORT: String(port), HOST: LOOPBACK, NEXT_TELEMETRY_DISABLED: "1" };
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "ignore", "inherit"], detached: true });
  const kill = () => child.pid && process.kill(-child.pid, "SIGKILL");
  signal.addEventListener("abort", kill);
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("exit", (code) => {
      signal.removeEventListener("abort", kill);
      if (code === 0 || signal.aborted) resolve();
      else reject(new Error(`${[program, ...args].join(" ")} ended with ${code}`));
    });
  });
}

async function announced(name, port, signal) {
  for (const began = Date.now(); !(await isListening(port)); await wait(100)) {
    if (signal.aborted) return;
    if (Date.now() - began > MOST_MS) throw new Error(`${name} did not listen within ${MOST_MS / 1000} s`);
  }
  console.log(`The small shop on ${name} is open: http://localhost:${port}/  (ctrl-C closes it)`);
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

function portIfFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, LOOPBACK, () => {
      const { port: found } = server.address();
      server.close(() => resolve(found));
    });
  });
}

/** The usual port, or any if it is in use. */
async function usualPort() {
  return (await portIfFree(USUAL_PORT)) ?? freePort();
}
