/**
 * Real servers for tests, benchmarks and people: on the loopback interface, on free ports, with temporary data.
 *
 *     npm run services                              all of them, until ctrl-C
 *     npm run services -- redis postgres            these
 *     npm run services -- --install                 only sees to it that the programs are there
 *     npm run services -- redis --env FILE          writes the addresses to a file as well
 *     npm run services -- redis -- npm test         runs a command with the addresses in its environment, then ends
 *
 * Each address is printed as `HOLDFAST_TEST_<NAME>_URL=…`; where such a variable is set, the tests use that server
 * and start none.
 */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, realpathSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const directory = new URL("services/", import.meta.url);
/** Modules that only help. */
const SHARED = ["lib", "redis-server", "unpacked"];

/** The names of all services: one module each, which exports `start()`. */
export const serviceNames = readdirSync(directory)
  .map((file) => file.replace(/\.mjs$/, ""))
  .filter((name) => !SHARED.includes(name));

/** The environment variable with the address of a service. */
export function variableOf(name) {
  return `HOLDFAST_TEST_${name.toUpperCase().replaceAll("-", "_")}_URL`;
}

/** Starts one: `{ url, version, servers, stop }`. It ends with this process at the latest. */
export async function startService(name) {
  const { start } = await moduleOf(name);
  const service = await start();
  return { ...service, stop: service.stop ?? (() => Promise.all(service.servers.map((server) => server.stop()))) };
}

async function moduleOf(name) {
  if (!serviceNames.includes(name))
    throw new Error(`there is no service ${name}; there are ${serviceNames.join(", ")}`);
  return import(new URL(`${name}.mjs`, directory).href);
}

async function main(args) {
  const { names, envFile, command, installs } = parse(args);
  if (installs) return installAll(names);
  const services = [];
  const stop = () => Promise.all(services.map((service) => service.stop()));
  try {
    const lines = [];
    for (const name of names) {
      const service = await startService(name);
      services.push(service);
      lines.push(`${variableOf(name)}=${service.url}`);
      console.log(`${lines.at(-1)}${service.version ? `    # ${service.version}` : ""}`);
    }
    if (envFile) writeFileSync(envFile, `${lines.join("\n")}\n`);
    process.exitCode = command ? await runWith(command, lines) : await interrupted();
  } finally {
    await stop();
  }
}

function parse(args) {
  const at = args.indexOf("--");
  const command = at < 0 ? undefined : args.slice(at + 1);
  const own = at < 0 ? args : args.slice(0, at);
  const env = own.indexOf("--env");
  const envFile = env < 0 ? undefined : own[env + 1];
  const names = own.filter((word, i) => !word.startsWith("--") && (env < 0 || i !== env + 1));
  const unknown = [
    ...own.filter((word) => word.startsWith("--") && !["--env", "--install"].includes(word)),
    ...names.filter((name) => !serviceNames.includes(name)),
  ];
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: unknown; services are ${serviceNames.join(", ")}`);
  if (env >= 0 && !envFile) throw new Error("--env wants a file");
  return { names: names.length > 0 ? names : serviceNames, envFile, command, installs: own.includes("--install") };
}

/** Starts each once: then everything it needs is there. */
async function installAll(names) {
  for (const name of names) {
    const service = await startService(name);
    await service.stop();
    console.log(`${name} ${service.version ?? ""}`);
  }
}

function runWith([command, ...args], lines) {
  const env = {
    ...process.env,
    ...Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)])),
  };
  const child = spawn(command, args, { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => child.once("error", reject).once("exit", (code) => resolve(code ?? 1)));
}

/** Servers do not keep this process alive: something must, until somebody ends it. */
function interrupted() {
  console.log("ctrl-C ends them");
  const awake = setInterval(() => {}, 60_000);
  return new Promise((resolve) => {
    const end = () => resolve(clearInterval(awake) ?? 0);
    process.once("SIGINT", end).once("SIGTERM", end);
  });
}

const started = process.argv[1];
if (started && existsSync(started) && realpathSync(started) === fileURLToPath(import.meta.url)) {
  await main(process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
