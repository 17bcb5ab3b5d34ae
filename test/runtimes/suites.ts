/** Plays the suites of adapters and storages inside a runtime, and hears what it prints. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { within } from "../support/within.js";
import type { Report } from "./rows.js";
import { commandOf, startWorker, type RuntimeName } from "./start.js";

/** What a program prints of one case, or at its end. */
interface Told {
  readonly part?: string;
  readonly name?: string;
  readonly error?: string;
  readonly isLeftOut?: boolean;
  readonly end?: boolean;
}

/** Of a runtime that runs programs. Parts: adapters, `memory`, `sqlite:CLIENT`. */
export async function playSuites(runtime: RuntimeName, parts: readonly string[], report: Report): Promise<void> {
  const [command, args] = commandOf(runtime, "suite-child.js", ...parts);
  const child = spawn(command, args, { env: { ...process.env, NODE_NO_WARNINGS: "1" }, stdio: ["ignore", "pipe", "pipe"] });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints = `${complaints}${text}`.slice(-2000)));
  let [last, isWhole] = ["(its start)", false];
  for await (const line of createInterface(child.stdout)) {
    if (!line.startsWith("{")) continue;
    const { part, name, error, isLeftOut, end } = JSON.parse(line) as Told;
    isWhole ||= end === true;
    if (name === undefined || isLeftOut) continue;
    last = `${part}: ${name}`;
    report({ name: last, ...(error !== undefined && { error }) });
  }
  if (!isWhole) report({ name: `${parts.join(", ")}: the whole run`, error: `ended after ${last}\n${complaints}` });
}

/** Of workerd: the adapters fetch and Hono, and storage in memory. */
export async function playSuitesOnWorkerd(report: Report): Promise<void> {
  const worker = await startWorker("suite-worker.js");
  const ask = async (query: string): Promise<any> => (await worker.dispatchFetch(`http://localhost/?${query}`)).json();
  try {
    for (const { part, name } of (await ask("")) as { part: string; name: string }[]) {
      const query = new URLSearchParams({ part, name }).toString();
      const outcome = await within(10_000, `${part}: ${name}`, ask(query)).catch((error: Error) => ({ error: error.message }));
      if (outcome !== "left out") report({ name: `${part}: ${name}`, ...(outcome !== "held" && outcome) });
    }
  } finally {
    await worker.dispose();
  }
}
