import type { Storage, StorageCall } from "../contracts/storage.js";
import { memoryStorage } from "../storage/memory.js";
import { environment } from "../util/builtin.js";

/**
 * `nuxt dev` runs the server in a thread that it replaces after each change of a file. Sessions would be lost each
 * time, so the memory is in the main thread, where the module is, and threads ask it by a channel.
 */
const CHANNEL = "holdfast.nuxt.memory";

/** The environment variable with the process whose main thread has the memory: threads inherit it. */
const HOST = "HOLDFAST_NUXT_MEMORY";

const METHODS = ["get", "create", "update", "touch", "delete", "clear"] as const;

interface Question {
  readonly question: string;
  readonly method: (typeof METHODS)[number];
  /** The last one is the time. */
  readonly args: readonly unknown[];
}

interface Reply {
  readonly reply: string;
  readonly result?: unknown;
  readonly failure?: string;
}

interface Shared {
  [MEMORY]?: Storage;
  readonly process?: { readonly pid: number; readonly env: Record<string, string | undefined> };
}

const MEMORY = Symbol.for("holdfast.nuxt.memory");
const shared = globalThis as Shared;

/** The part of Node's class that is used. */
interface Channel {
  addEventListener(type: "message", listen: (message: { readonly data: unknown }) => void): void;
  postMessage(message: unknown): void;
  unref?(): unknown;
}

/** Called by the module in the main thread of a development server, again after it has reloaded its configuration. */
export function hostMemory(): void {
  if (shared[MEMORY] || !shared.process) return;
  const memory = (shared[MEMORY] = memoryStorage());
  shared.process.env[HOST] = String(shared.process.pid);
  const channel = openChannel(({ data }) => {
    const { question, method } = data as Question;
    if (question === undefined || !METHODS.includes(method)) return;
    channel.postMessage(replyTo(memory, data as Question));
  });
}

function replyTo(memory: Storage, { question, method, args }: Question): Reply {
  const call: StorageCall = { now: args.at(-1) as number, signal: new AbortController().signal };
  try {
    const run = memory[method] as (...all: readonly unknown[]) => unknown;
    return { reply: question, result: run.call(memory, ...args.slice(0, -1), call) };
  } catch (error) {
    return { reply: question, failure: (error as Error).message };
  }
}

/** The storage of an application without one: that of the main thread, or its own memory. */
export function developmentMemory(): Storage {
  const { process } = shared;
  return process && environment(HOST) === String(process.pid) ? remoteMemory() : memoryStorage();
}

function remoteMemory(): Storage {
  const waiting = new Map<string, (reply: Reply) => void>();
  let channel: Channel | undefined;
  const ask = (method: Question["method"], given: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { now, signal } = given.at(-1) as StorageCall;
      const question = crypto.randomUUID();
      waiting.set(question, ({ result, failure }) =>
        failure === undefined ? resolve(result) : reject(new Error(failure)),
      );
      signal.addEventListener("abort", () => waiting.delete(question));
      channel ??= openChannel(({ data }) => {
        const reply = data as Reply;
        waiting.get(reply.reply)?.(reply);
        waiting.delete(reply.reply);
      });
      channel.postMessage({ question, method, args: [...given.slice(0, -1), now] } satisfies Question);
    });
  return Object.fromEntries(
    METHODS.map((method) => [method, (...args: readonly unknown[]) => ask(method, args)]),
  ) as unknown as Storage;
}

/** It does not keep the process or the thread running. */
function openChannel(listen: (message: { readonly data: unknown }) => void): Channel {
  const { BroadcastChannel: Broadcast } = globalThis as unknown as {
    BroadcastChannel: new (name: string) => Channel;
  };
  const channel = new Broadcast(CHANNEL);
  channel.addEventListener("message", listen);
  channel.unref?.();
  return channel;
}
