/** Plays the suites of adapters and storages inside a runtime, and hears what it prints. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ownService, service, type Service } from "../support/services.js";
import { SQLITE_ENVIRONMENT } from "../support/sqlite-runtimes.js";
import { TOKEN, UpstashFront } from "../support/upstash-front.js";
import { within } from "../support/within.js";
import type { Report, RowResult } from "./rows.js";
import { commandOf, startWorker, type RuntimeName } from "./start.js";
import { STORAGES } from "./storages.js";

/** A whole suite takes much less: this is for a process that does not turn any more. */
const WATCHDOG_MS = 400_000;

/** How a process of a runtime ended. */
interface Ended {
  readonly isWhole: boolean;
  readonly complaints: string;
}

/** Of a runtime that runs programs: `adapters/NAME` and `storages/NAME`, in one process. */
export async function playSuites(runtime: RuntimeName, suites: readonly string[], report: Report): Promise<void> {
  let last = "(its start)";
  const { isWhole, complaints } = await run(runtime, "suite-child.js", suites, (result) => {
    last = result.name;
    report(result);
  });
  if (!isWhole) report({ name: `${suites.join(", ")}: the whole run`, error: `ended after ${last}\n${complaints}` });
}

/** The rows of the answers matrix for fetch functions, on Node, where they have a server with more to be seen. */
export async function playAnswersOnNode(runtime: RuntimeName, report: Report): Promise<void> {
  const { isWhole, complaints } = await run(runtime, "answers-child.js", [], report);
  if (!isWhole) report({ name: "the whole run", error: complaints });
}

/** Whether a runtime can open a storage. */
export async function opens(runtime: RuntimeName, storage: string): Promise<boolean> {
  return (await run(runtime, "suite-child.js", ["opens", storage], () => {})).isWhole;
}

async function run(runtime: RuntimeName, program: string, args: readonly string[], report: Report): Promise<Ended> {
  const [command, all] = commandOf(runtime, program, ...args);
  const child = spawn(command, all, {
    env: { ...SQLITE_ENVIRONMENT, HOLDFAST_TEST_SERVICES: JSON.stringify(await servicesFor(args)) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const watchdog = setTimeout(() => child.kill("SIGKILL"), WATCHDOG_MS);
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints = `${complaints}${text}`.slice(-2000)));
  let isWhole = false;
  for await (const line of createInterface(child.stdout)) {
    if (!line.startsWith("{")) continue;
    const told = JSON.parse(line) as RowResult | { end: true };
    if ("end" in told) isWhole = true;
    else report(told);
  }
  clearTimeout(watchdog);
  return { isWhole, complaints };
}

/** The servers that suites need, started once. */
async function servicesFor(suites: readonly string[]): Promise<Record<string, Service>> {
  const given: Record<string, Service> = {};
  for (const { name, server } of STORAGES)
    if (server && suites.includes(`storages/${name}`)) given[server] = { ...(await serverOf(server)), servers: [] };
  return given;
}

let front: Promise<Service> | undefined;

/** A service; that of Upstash is a Redis behind REST, in this process. */
function serverOf(name: string): Promise<Service> {
  if (name !== "upstash") return service(name);
  return (front ??= frontBefore());
}

async function frontBefore(): Promise<Service> {
  const redis = await ownService("redis");
  const { url } = await UpstashFront.start(redis.url);
  return { ...redis, url, password: TOKEN };
}

/** Of workerd, each case at a request of its own. */
export async function playSuitesOnWorkerd(suites: readonly string[], report: Report): Promise<void> {
  const worker = await startWorker("suite-worker.js", {
    className: "HoldfastSessions",
    bindings: { SERVICES: JSON.stringify(await servicesFor(suites)) },
  });
  const ask = async (query: string): Promise<any> =>
    (await worker.dispatchFetch(`http://localhost/?${query}`)).json();
  try {
    for (const { suite, name } of (await ask("")) as { suite: string; name: string }[]) {
      if (!suites.includes(suite)) continue;
      const query = new URLSearchParams({ suite, name }).toString();
      const result = await within(10_000, name, ask(query)).catch(({ message }: Error) => ({ error: message }));
      report({ name, ...result });
    }
  } finally {
    await worker.dispose();
  }
}
