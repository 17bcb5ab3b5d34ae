/** The clients of Bun, for tests that run on Node: each is in a process of Bun, and its storage is called over pipes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Storage, StorageCall } from "holdfast";
import { within } from "../../support/within.js";
import type { Open } from "./clients.js";

export type BunClient = "redis" | "postgres" | "mysql";

/** One call of a storage, without what only its own process has. */
export interface RemoteCall {
  readonly id: number;
  readonly name: "get" | "create" | "update" | "touch" | "delete";
  readonly args: readonly unknown[];
  readonly now: number;
  readonly timeout: number;
}

interface RemoteResult {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

const { runtimeFromNpm } = (await import(new URL("../../../scripts/from-npm.mjs", import.meta.url).href)) as {
  runtimeFromNpm(name: "bun"): string;
};

const CHILD = fileURLToPath(new URL("bun-child.js", import.meta.url));
/** For a call without a timeout of its own. */
const TIMEOUT = 30_000;

const HOST = "127.0.0.1";

const URLS: Readonly<Record<BunClient, (port: number) => string>> = {
  redis: (port) => `redis://${HOST}:${port}`,
  postgres: (port) => `postgres://postgres@${HOST}:${port}/postgres`,
  mysql: (port) => `mysql://root@${HOST}:${port}/holdfast`,
};

/** Opens a client at a port; by default with the options that it has by default. */
export function openBun(client: BunClient, options: object = {}): Open {
  return async (port) => {
    const args = [CHILD, client, URLS[client](port), JSON.stringify(options)];
    const child = spawn(runtimeFromNpm("bun"), args, { stdio: ["pipe", "pipe", "inherit"] });
    const waiting = new Map<number, (result: RemoteResult) => void>();
    const ready = new Promise<RemoteResult>((resolve) => waiting.set(0, resolve));
    const lines = createInterface(child.stdout).on("line", (line) => {
      const result = JSON.parse(line) as RemoteResult;
      waiting.get(result.id)?.(result);
      waiting.delete(result.id);
    });
    let last = 0;
    const ask = async (
      name: RemoteCall["name"],
      args: readonly unknown[],
      { now, timeout = TIMEOUT }: StorageCall,
    ): Promise<any> => {
      const id = ++last;
      const answered = new Promise<RemoteResult>((resolve) => waiting.set(id, resolve));
      child.stdin.write(`${JSON.stringify({ id, name, args, now, timeout } satisfies RemoteCall)}\n`);
      const { value, error } = await answered;
      if (error !== undefined) throw new Error(error);
      return value;
    };
    const storage: Storage = {
      get: (key, call) => ask("get", [key], call),
      create: (key, entry, call) => ask("create", [key, entry], call),
      update: (key, entry, version, call) => ask("update", [key, entry, version], call),
      touch: (key, expiresAt, version, call) => ask("touch", [key, expiresAt, version], call),
      delete: (key, version, call) => ask("delete", [key, version], call),
    };
    await within(20_000, "Bun to open the client", ready);
    const close = async (): Promise<void> => {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      lines.close();
    };
    return { storage, keepsCommands: client === "redis", close };
  };
}
