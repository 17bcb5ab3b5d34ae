import type { ServerResponse } from "node:http";
import { isFast, readSlow } from "../util/request-objects.js";
import { lengthOf, type CallName } from "./response-state.js";

/** Characters that a status message must not contain. */
// oxlint-disable-next-line no-control-regex -- these are the forbidden characters
const INVALID_MESSAGE = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Throws the error that Node throws for the first call with invalid arguments or an invalid status. Nothing has been
 * sent yet. HTTP/2 checks a status when it is set.
 */
export function checkFirstCall(res: ServerResponse, name: CallName, args: readonly unknown[]): void {
  checkCall(res, name, args);
  checkLength(res, name, args, 0);
  if (isHttp2(res)) return;
  if (name === "writeHead") checkStatus(args[0], typeof args[1] === "string" ? args[1] : messageOf(res));
  else checkStatus(codeOf(res), messageOf(res));
}

/** Throws the error that Node throws for an invalid part of a body. */
export function checkCall(res: ServerResponse, name: CallName, args: readonly unknown[]): void {
  const isChunk = name === "write" || (name === "end" && args[0] && typeof args[0] !== "function");
  if (isChunk && !(ArrayBuffer.isView(args[0]) && isHttp2(res))) checkChunk(args[0], args[1]);
}

/**
 * Throws the error that Node throws if a body does not have the length in its header and `strictContentLength` is set.
 * `before`: number of held bytes.
 */
export function checkLength(
  res: ServerResponse,
  name: CallName,
  [chunk, encoding]: readonly unknown[],
  before: number,
): void {
  if (name !== "write" && name !== "end") return;
  if ((isFast(res) ? res.strictContentLength : readSlow(res, "strictContentLength")) !== true) return;
  const wanted = res.getHeader("Content-Length");
  if (wanted === undefined || isBodyless(res) || res.hasHeader("Transfer-Encoding")) return;
  const length = before + lengthOf(chunk, encoding);
  if (name === "end" ? length === Number(wanted) : length <= Number(wanted)) return;
  const says =
    `Response body's content-length of ${length} byte(s) does not match ` +
    `the content-length of ${String(wanted)} byte(s) set in header`;
  throw coded(Error, "ERR_HTTP_CONTENT_LENGTH_MISMATCH", says);
}

const BODYLESS = [204, 205, 304];

/** True if the body is not sent. */
export function isBodyless(res: ServerResponse): boolean {
  return (res.req as { method?: string } | undefined)?.method === "HEAD" || BODYLESS.includes(res.statusCode);
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
  if (code < 100 || code > 999)
    throw coded(RangeError, "ERR_HTTP_INVALID_STATUS_CODE", `Invalid status code: ${shown(status)}`);
  if (typeof message === "string" && INVALID_MESSAGE.test(message)) {
    throw coded(TypeError, "ERR_INVALID_CHAR", "Invalid character in statusMessage");
  }
}

/** The status as Node interprets it: a whole number. */
export function toStatus(status: unknown): number {
  // oxlint-disable-next-line no-bitwise -- as Node does
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

/** The error that Node throws if headers are changed after they were sent. */
export function headersSent(res: ServerResponse, method: "set" | "append" | "remove" | "write"): Error {
  if (isHttp2(res)) return coded(Error, "ERR_HTTP2_HEADERS_SENT", "Response has already been initiated.");
  return coded(Error, "ERR_HTTP_HEADERS_SENT", `Cannot ${method} headers after they are sent to the client`);
}

/** Node's error for writing after `end`. */
export function writeAfterEnd(): Error {
  return coded(Error, "ERR_STREAM_WRITE_AFTER_END", "write after end");
}

/** Node's error for writing to a destroyed stream. */
export function streamDestroyed(): Error {
  return coded(Error, "ERR_STREAM_DESTROYED", "Cannot call write after a stream was destroyed");
}

const NEEDED = [
  "writeHead",
  "write",
  "end",
  "setHeader",
  "getHeader",
  "getHeaderNames",
  "removeHeader",
  "on",
  "once",
] as const;

/** Prototypes that have all of these functions. */
const responses = new WeakSet<object>();

/**
 * True if the value is a response to which headers can be added. Servers may pass upgrade requests with a replacement
 * that has a few of its functions, or with nothing.
 */
export function isResponse(value: unknown): value is ServerResponse {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype !== null && responses.has(prototype)) return true;
  const isOne = NEEDED.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
  if (isOne && prototype !== null && !NEEDED.some((name) => Object.hasOwn(value, name))) responses.add(prototype);
  return isOne;
}

/** True if nothing can be sent any more. On HTTP/2 only the stream reports it. */
export function isDestroyed(
  res: ServerResponse & { readonly stream?: { readonly destroyed?: boolean } | null },
): boolean {
  const isClosed = isFast(res) ? res.destroyed : readSlow(res, "destroyed");
  return isClosed || (isHttp2(res) && res.stream?.destroyed === true);
}

/**
 * True for a response of HTTP/2, which has no status message, and warns at every use.
 *
 * @param res - the response
 * @returns true for HTTP/2
 * @example
 * ```ts
 * if (!isHttp2(res)) res.statusMessage = "OK";
 * ```
 */
export function isHttp2(res: ServerResponse): boolean {
  const prototype = Object.getPrototypeOf(res) as object | null;
  if (prototype === seenHttp1) return false;
  const isOne = "stream" in (isShared(prototype) ? prototype : res);
  if (!isOne && isShared(prototype)) seenHttp1 = prototype;
  return isOne;
}

/** The prototype of HTTP/1 responses that was seen last. */
let seenHttp1: object | undefined;

/** True for the prototype of a class, whose objects are alike. */
function isShared(prototype: object | null): prototype is object {
  return prototype !== null && prototype !== Object.prototype;
}

export function coded(kind: new (message: string) => Error, code: string, message: string): Error {
  return Object.assign(new kind(message), { code });
}

/** Status and message of a response, as they were set. */
export function statusOf(res: ServerResponse): [status: number, message: string | undefined] {
  return [codeOf(res), isHttp2(res) ? undefined : messageOf(res)];
}

function codeOf(res: ServerResponse): number {
  return isFast(res) ? res.statusCode : readSlow(res, "statusCode");
}

function messageOf(res: ServerResponse): string {
  return isFast(res) ? res.statusMessage : readSlow(res, "statusMessage");
}

export function setStatus(res: ServerResponse, status: number, message: string | undefined): void {
  res.statusCode = status;
  if (!isHttp2(res)) res.statusMessage = message as string;
}

/**
 * Removes status, headers and everything else of a response that did not begin.
 *
 * @param res - the response
 * @example
 * ```ts
 * clearResponse(ctx.res);
 * ```
 */
export function clearResponse(res: ServerResponse): void {
  if (res.headersSent) return;
  const { sendDate } = res;
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.sendDate = sendDate;
  forgetRemoved(res);
  setStatus(res, 200, isHttp2(res) ? undefined : "");
}

/**
 * Node remembers which of its framing headers were removed, and does not send them: the next response would have no
 * length, and the connection would be closed. If a runtime remembers this elsewhere, that still happens.
 */
function forgetRemoved(res: ServerResponse): void {
  const flags = res as unknown as Record<string, unknown>;
  for (const name of ["_removedTE", "_removedContLen", "_removedConnection"])
    if (flags[name] === true) flags[name] = false;
}
