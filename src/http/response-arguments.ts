import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { CallName } from "./response-state.js";

/** Headers as `writeHead` takes them: an object, a flat list of names and values, or a list of pairs. */
export type HeadHeaders = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | readonly (readonly [string, OutgoingHttpHeader])[];

/** What `writeHead` may be given. */
export type HeadArguments = readonly [status: number, reason?: string | HeadHeaders, headers?: HeadHeaders];

/** What a status line may not hold. */
// oxlint-disable-next-line no-control-regex -- these are what must not pass
const INVALID_MESSAGE = /[^\t\x20-\x7e\x80-\xff]/;

/** Throws what Node throws for a first call whose arguments, or whose status, it would not take. Nothing has been done yet. HTTP/2 checks a status when it is set. */
export function checkFirstCall(res: ServerResponse, name: CallName, args: readonly unknown[]): void {
  checkCall(name, args);
  if (isHttp2(res)) return;
  const [status, message] = statusOf(res);
  if (name === "writeHead") checkStatus(args[0], typeof args[1] === "string" ? args[1] : message);
  else checkStatus(status, message);
}

/** Throws what Node throws for a piece of a body that is none. */
export function checkCall(name: CallName, args: readonly unknown[]): void {
  if (name === "write" || (name === "end" && args[0] && typeof args[0] !== "function")) checkChunk(args[0], args[1]);
}

function checkChunk(chunk: unknown, encoding: unknown): void {
  if (chunk === null) throw coded(TypeError, "ERR_STREAM_NULL_VALUES", "May not write null values to stream");
  if (typeof chunk === "string") {
    const isUnknown = typeof encoding === "string" && encoding !== "" && !Buffer.isEncoding(encoding);
    if (isUnknown) throw coded(TypeError, "ERR_UNKNOWN_ENCODING", `Unknown encoding: ${encoding}`);
  } else if (!(chunk instanceof Uint8Array)) {
    const wanted = 'The "chunk" argument must be of type string or an instance of Buffer or Uint8Array.';
    throw coded(TypeError, "ERR_INVALID_ARG_TYPE", `${wanted} Received ${received(chunk)}`);
  }
}

function checkStatus(status: unknown, message: unknown): void {
  const code = toStatus(status);
  if (code < 100 || code > 999) throw coded(RangeError, "ERR_HTTP_INVALID_STATUS_CODE", `Invalid status code: ${shown(status)}`);
  if (typeof message === "string" && INVALID_MESSAGE.test(message)) {
    throw coded(TypeError, "ERR_INVALID_CHAR", "Invalid character in statusMessage");
  }
}

/** The status as Node takes it: a whole number. */
export function toStatus(status: unknown): number {
  // oxlint-disable-next-line no-bitwise -- as Node does it
  return typeof status === "symbol" || typeof status === "bigint" ? 0 : (status as number) | 0;
}

function shown(value: unknown): string {
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}

function received(value: unknown): string {
  if (value === undefined) return "undefined";
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value !== "object" || value === null) return `type ${typeof value} (${shown(value)})`;
  const { name } = (value.constructor ?? {}) as { name?: string };
  return name ? `an instance of ${name}` : "[Object: null prototype] {}";
}

/**
 * Puts status and headers of `writeHead` onto a response, so that more can be added before they go out: headers replace those that were set
 * before, as Node does it; a list may name a header several times. Throws what Node throws, with the headers as they were.
 * Returns what is left for Node's own `writeHead`.
 */
export function applyHead(res: ServerResponse, args: HeadArguments): readonly unknown[] {
  const [status, reason, more] = args;
  const headers = more ?? (typeof reason === "object" ? reason : undefined);
  const hadNone = headers && res.getHeaderNames().length === 0;
  const rest = typeof reason === "string" ? [status, reason] : [status];
  if (!isHttp2(res)) setStatus(res, toStatus(status), typeof reason === "string" ? reason : statusOf(res)[1]);
  else if (status >= 200 && status < 600) res.statusCode = status;
  try {
    if (headers) mergeHeaders(res, headers, hadNone === true);
  } catch (error) {
    if (hadNone) for (const name of res.getHeaderNames()) res.removeHeader(name);
    throw error;
  }
  return rest;
}

/** Where no header was set before, Node sends what it is given; else it sets one after the other, and passes over empty names. */
function mergeHeaders(res: ServerResponse, headers: HeadHeaders, areAlone: boolean): void {
  const isList = Array.isArray(headers);
  const seen = new Set<unknown>();
  for (const [name, value] of isList ? pairsOf(headers as readonly unknown[]) : Object.entries(headers)) {
    if (!name && !areAlone) continue;
    const key: unknown = typeof name === "string" ? name.toLowerCase() : name;
    if ((isList || areAlone) && seen.has(key)) append(res, name, value as OutgoingHttpHeader);
    else res.setHeader(name, value as OutgoingHttpHeader);
    seen.add(key);
  }
}

/** Also for a response that knows no `appendHeader`. */
function append(res: ServerResponse, name: string, value: OutgoingHttpHeader): void {
  if (typeof res.appendHeader === "function") return void res.appendHeader(name, value as string);
  const before = res.getHeader(name);
  const all = [before, value].flat().filter((one) => one !== undefined);
  res.setHeader(name, before === undefined ? value : (all as string[]));
}

function pairsOf(list: readonly unknown[]): [string, OutgoingHttpHeader][] {
  if (Array.isArray(list[0])) return list as [string, OutgoingHttpHeader][];
  if (list.length % 2 !== 0) {
    throw coded(TypeError, "ERR_INVALID_ARG_VALUE", `The argument 'headers' is invalid. Received a list of ${list.length}: names and values come in pairs`);
  }
  return list.flatMap((name, i): [string, OutgoingHttpHeader][] => (i % 2 === 0 ? [[name as string, list[i + 1] as OutgoingHttpHeader]] : []));
}

/** What Node throws where headers are changed after they were sent. */
export function headersSent(res: ServerResponse, verb: "set" | "append" | "remove" | "write"): Error {
  if (isHttp2(res)) return coded(Error, "ERR_HTTP2_HEADERS_SENT", "Response has already been initiated.");
  return coded(Error, "ERR_HTTP_HEADERS_SENT", `Cannot ${verb} headers after they are sent to the client`);
}

/** What Node tells whoever writes after `end`. */
export function writeAfterEnd(): Error {
  return coded(Error, "ERR_STREAM_WRITE_AFTER_END", "write after end");
}

const NEEDED = ["writeHead", "write", "end", "setHeader", "getHeader", "getHeaderNames", "removeHeader", "on", "once"] as const;

/** Prototypes that have all of these functions. */
const responses = new WeakSet<object>();

/** Whether something is a response that headers can be added to. What serves upgrades hands on stand-ins with a few of its functions, or nothing. */
export function isResponse(value: unknown): value is ServerResponse {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype !== null && responses.has(prototype)) return true;
  const isOne = NEEDED.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
  if (isOne && prototype !== null && !NEEDED.some((name) => Object.hasOwn(value, name))) responses.add(prototype);
  return isOne;
}

/** HTTP/2 has no status message, and warns of every use. */
export function isHttp2(res: ServerResponse): boolean {
  return "stream" in res;
}

function coded(kind: new (message: string) => Error, code: string, message: string): Error {
  return Object.assign(new kind(message), { code });
}

/** Status and message of a response, as they were given. */
export function statusOf(res: ServerResponse): [status: number, message: string | undefined] {
  return [res.statusCode, isHttp2(res) ? undefined : res.statusMessage];
}

export function setStatus(res: ServerResponse, status: number, message: string | undefined): void {
  res.statusCode = status;
  if (!isHttp2(res)) res.statusMessage = message as string;
}

/** Removes status, headers and all of an answer that did not begin. */
export function clearAnswer(res: ServerResponse): void {
  if (res.headersSent) return;
  const { sendDate } = res;
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.sendDate = sendDate;
  forgetRemoved(res);
  setStatus(res, 200, isHttp2(res) ? undefined : "");
}

/**
 * Node remembers which of its own framing headers were removed, and does without them from then on: the next answer would lack its length, and
 * cost the connection. Where it remembers that elsewhere, that is what happens.
 */
function forgetRemoved(res: ServerResponse): void {
  const flags = res as unknown as Record<string, unknown>;
  for (const name of ["_removedTE", "_removedContLen", "_removedConnection"]) if (flags[name] === true) flags[name] = false;
}
