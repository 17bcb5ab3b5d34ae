/**
 * The clients that Bun and Deno have themselves, for tests that run on Node: each is in a process of its runtime, and
 * its storage is called over pipes.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Storage, StorageCall } from "holdfast";
import { lineOf } from "./lines.js";
import { argumentsOf } from "./runtime-arguments.js";
import { within } from "./within.js";

export type PipedClient = "redis" | "postgres" | "mysql" | "deno-kv";

/** One call of a storage, without what only its own process has. */
export interface RemoteCall {
  readonly id: number;
  readonly name: "get" | "create" | "update" | "touch" | "delete" | "clear";
  readonly args: readonly unknown[];
  readonly now: number;
  readonly timeout: number;
}

interface RemoteResult {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
  readonly code?: string;
}

const { runtimeFromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as {
  runtimeFromNpm(name: "bun" | "deno"): string;
};

const CHILD = fileURLToPath(new URL("piped-child.js", import.meta.url));
/** For a call without a timeout of its own. */
const TIMEOUT = 30_000;

/** The program of a runtime, and its arguments before those of a file that it runs. */
export function runtimeCommand(runtime: "bun" | "deno"): [program: string, args: readonly string[]] {
  return [runtimeFromNpm(runtime), argumentsOf(runtime)];
}

/** A storage in another process, and how to end that. */
export interface Piped {
  readonly storage: Storage;
  close(): Promise<void>;
}

/**
 * Opens a client at a URL, or Deno KV in a file; by default with the options that it has by default. `seen` is given
 * each line that goes over the pipes.
 */
export async function openPiped(
  client: PipedClient,
  url: string,
  options: object = {},
  seen: (line: string) => void = () => {},
): Promise<Piped> {
  const [program, args] = runtimeCommand(client === "deno-kv" ? "deno" : "bun");
  const child = spawn(program, [...args, CHILD, client, url, JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting = new Map<number, (result: RemoteResult) => void>();
  const ready = new Promise<RemoteResult>((resolve) => waiting.set(0, resolve));
  const lines = createInterface(child.stdout).on("line", (line) => {
    seen(line);
    const result = JSON.parse(line) as RemoteResult;
    waiting.get(result.id)?.(result);
    waiting.delete(result.id);
  });
  child.once("exit", () => {
    for (const [id, settle] of waiting) settle({ id, error: `the process of ${client} has ended` });
  });
  let last = 0;
  const ask = async (
    name: RemoteCall["name"],
    args: readonly unknown[],
    { now, timeout = TIMEOUT }: StorageCall,
  ): Promise<any> => {
    const id = ++last;
    const answered = new Promise<RemoteResult>((resolve) => waiting.set(id, resolve));
    const line = lineOf({ id, name, args, now, timeout } satisfies RemoteCall);
    seen(line);
    child.stdin.write(`${line}\n`);
    const { value, error, code } = await answered;
    if (error !== undefined) throw Object.assign(new Error(error), { code });
    return value;
  };
  const { value: maxValueBytes } = await within(20_000, `the client ${client}`, ready);
  const storage: Storage = {
    ...(typeof maxValueBytes === "number" && { maxValueBytes }),
    get: (key, call) => ask("get", [key], call),
    create: (key, entry, call) => ask("create", [key, entry], call),
    update: (key, entry, version, call) => ask("update", [key, entry, version], call),
    touch: (key, expiresAt, version, call) => ask("touch", [key, expiresAt, version], call),
    delete: (key, version, call) => ask("delete", [key, version], call),
    clear: (prefix, call) => ask("clear", [prefix], call),
  };
  const close = async (): Promise<void> => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    lines.close();
  };
  return { storage, close };
}
