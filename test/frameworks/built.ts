import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** A directory with a copy of an application, in which its framework can build it. */
export interface Workshop {
  readonly directory: string;
  remove(): void;
}

/**
 * Makes a directory for an application: with the packages of `installed`, linked file by file, since bundlers follow
 * no link out of the directory; and with the built library as a package.
 *
 * @param name - of the directory
 * @param installed - a directory of `fromNpm`
 * @param copies - what to copy, from a path of the project to a path of the application
 */
export const { workshop } = (await import(new URL("../../scripts/workshop.mjs", import.meta.url).href)) as {
  workshop(name: string, installed: string, copies: Readonly<Record<string, string>>): Workshop;
};

/** A port that is free now, and that no server is given which asks for any: a build may lie between. */
export const { freePort } = (await import(new URL("../../scripts/services/lib.mjs", import.meta.url).href)) as {
  freePort(): Promise<number>;
};

type Environment = Readonly<Record<string, string>>;

/** Runs a program to its end; what it printed is in the error if it failed. */
export async function runProgram(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Environment = {},
): Promise<string> {
  const { child, printed } = spawned(program, args, cwd, env);
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${printed().slice(-6000)}`);
  return printed();
}

/** A server in a process, and what it printed. */
export interface Serving {
  readonly origin: string;
  printed(): string;
  close(): Promise<void>;
}

/** How long a server may take until it listens, in ms: a development server compiles before. */
const MOST_MS = 60_000;

/** How a server is started and ended. */
interface Start {
  readonly cwd: string;
  readonly port: number;
  readonly env?: Environment;
  /** How long it may take until it listens, in ms. */
  readonly most?: number;
  /** What ends it, and all that it started. */
  readonly signal?: NodeJS.Signals;
}

/** Starts a server that listens on a port; resolves when it does. */
export async function startServer(
  program: string,
  args: readonly string[],
  { cwd, port, env = {}, most = MOST_MS, signal = "SIGKILL" }: Start,
): Promise<Serving> {
  const { child, printed } = spawned(program, args, cwd, env);
  const origin = `http://127.0.0.1:${port}`;
  const close = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "close");
    process.kill(-child.pid!, signal);
    await ended;
  };
  for (const began = Date.now(); ; await wait(100)) {
    if (child.exitCode !== null) throw new Error(`${args.join(" ")} ended:\n${printed().slice(-6000)}`);
    if (await isListening(origin)) return { origin, printed, close };
    if (Date.now() - began < most) continue;
    await close();
    throw new Error(`${args.join(" ")} did not listen:\n${printed().slice(-6000)}`);
  }
}

/** Starts an application in a workshop, which is removed when the application is closed or could not be started. */
export async function inWorkshop<T extends Pick<Serving, "close">>(
  { remove }: Workshop,
  start: () => Promise<T>,
): Promise<T> {
  try {
    const app = await start();
    const close = async (): Promise<void> => {
      await app.close();
      remove();
    };
    return { ...app, close };
  } catch (error) {
    remove();
    throw error;
  }
}

async function isListening(origin: string): Promise<boolean> {
  try {
    await (await fetch(`${origin}/favicon.ico`)).body?.cancel();
    return true;
  } catch {
    return false;
  }
}

/** In a group of processes of its own: frameworks start further ones. */
function spawned(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Environment,
): { child: ChildProcess; printed: () => string } {
  if (!existsSync(cwd)) throw new Error(`${cwd} is not there`);
  const { NODE_ENV: _mode, NODE_TEST_CONTEXT: _context, ...inherited } = process.env;
  const child = spawn(program, args, {
    cwd,
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (part: string) => (text = `${text}${part}`.slice(-20_000)));
  return { child, printed: () => text };
}
