/** D1 and Durable Objects in workerd, for processes of Node: their requests go to two isolates in turn. */
import { request, type IncomingMessage } from "node:http";
import { text as textOf } from "node:stream/consumers";
import type { Storage, StorageCall } from "holdfast";
import { startIsolates, type Isolates } from "./start.js";

/** The two storages of `holdfast/storage/cloudflare`, by the clients' names. */
export const BINDINGS = { D1: "d1", "Durable Objects": "durable" } as const;
export type Binding = keyof typeof BINDINGS;

/** workerd, and where it listens. */
export interface Bindings {
  readonly url: string;
  close(): Promise<void>;
}

/** Two isolates over one D1 database, with its table, and one namespace of Durable Objects. */
export async function startBindings(settings?: Isolates): Promise<Bindings> {
  const worker = await startIsolates("bindings-worker.js", "Watched", settings);
  const url = (await worker.ready).origin;
  await ask(url, "/d1/ensureSchema", []);
  return { url, close: () => worker.dispose() };
}

/** Sends one call; `seen` is given the isolate that executed it, and what was sent and received. */
export async function ask(
  url: string,
  path: string,
  args: readonly unknown[],
  signal?: AbortSignal,
  seen: (isolate: string, text: string) => void = () => {},
): Promise<any> {
  const body = JSON.stringify(args);
  const response = await post(`${url}${path}`, body, signal);
  const text = await textOf(response);
  seen(String(response.headers["x-isolate"]), `${path} ${body} ${text}`);
  const told = JSON.parse(text) as { result: unknown; name: string; message: string; code?: string };
  if (response.statusCode === 200) return told.result;
  throw Object.assign(new Error(`${told.name}: ${told.message}`), { code: told.code });
}

/** A connection for each call: one that is kept may be closed by workerd just when it is used again. */
function post(url: string, body: string, signal: AbortSignal | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { "content-length": Buffer.byteLength(body) };
    const sent = request(url, { method: "POST", agent: false, headers, ...(signal && { signal }) });
    sent.once("response", resolve).once("error", reject).end(body);
  });
}

const CALLS = ["get", "create", "update", "touch", "delete", "check"] as const;
const OF_D1 = ["clear", "sweep"] as const;

/** A storage of the Worker, as a process of Node sees it. */
export function bindingStorage(
  url: string,
  binding: Binding,
  seen?: (isolate: string, text: string) => void,
): Storage {
  const kind = BINDINGS[binding];
  const calls = [...CALLS, ...(kind === "d1" ? OF_D1 : [])].map((name) => [
    name,
    (...args: any[]) => {
      const signal = (args.find(isCall) as StorageCall).signal;
      return ask(
        url,
        `/${kind}/${name}`,
        args.map((arg) => (isCall(arg) ? { now: arg.now } : arg)),
        signal,
        seen,
      );
    },
  ]);
  return { maxValueBytes: 1_900_000, ...Object.fromEntries(calls) } as Storage;
}

function isCall(arg: unknown): arg is StorageCall {
  return typeof arg === "object" && arg !== null && "signal" in arg;
}
