import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { within } from "../support/within.js";

/** The directory of the project; this file is compiled to `build/examples`. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** A program that prints where it listens. */
export interface Running {
  readonly process: ChildProcess;
  /** `http://host:port`, as it said. */
  readonly origin: string;
  /** All it printed so far. */
  readonly printed: () => string;
  /** Sends a signal; answers the exit code, or the signal that ended it, and how long that took in ms. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null; ms: number }>;
}

/** Starts a program of the examples on a free port; the end of the test ends it. */
export async function start(
  t: Pick<TestContext, "after">,
  file: string,
  env: Record<string, string> = { PORT: "0" },
  args: readonly string[] = [],
): Promise<Running> {
  const { PORT: _port, HOST: _host, ...inherited } = process.env;
  const child = spawn(process.execPath, [`examples/dist/${file}`, ...args], {
    cwd: root,
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const origin = await within(
    15_000,
    `the address of ${file}`,
    addressOf(child, () => printed),
  );
  return { process: child, origin, printed: () => printed, end: (signal) => endOf(child, signal) };
}

async function addressOf(child: ChildProcess, printed: () => string): Promise<string> {
  const exited = once(child, "exit").then(() =>
    Promise.reject(new Error(`it ended instead of listening: ${printed()}`)),
  );
  for (;;) {
    const origin = /https?:\/\/[\w.[\]:-]+:\d+(?=\/?\s)/.exec(printed())?.[0];
    if (origin) return origin;
    await Promise.race([once(child.stdout!, "data"), exited]);
  }
}

async function endOf(
  child: ChildProcess,
  signal: NodeJS.Signals,
): Promise<{ code: number | null; signal: NodeJS.Signals | null; ms: number }> {
  const began = performance.now();
  const exit = once(child, "exit");
  child.kill(signal);
  const [code, by] = await within(5000, `the end after ${signal}`, exit);
  return { code, signal: by, ms: performance.now() - began };
}
