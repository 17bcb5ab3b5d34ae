import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { builtinModule } from "../util/builtin.js";
import { coded, isHttp2, setStatus, statusOf, toStatus } from "./response-arguments.js";

/** Headers in the formats of `writeHead`: an object, a flat list of names and values, or a list of pairs. */
export type HeadHeaders =
  | OutgoingHttpHeaders
  | readonly OutgoingHttpHeader[]
  | readonly (readonly [string, OutgoingHttpHeader])[];

/** Arguments of `writeHead`. */
export type HeadArguments = readonly [status: number, reason?: string | HeadHeaders, headers?: HeadHeaders];

/**
 * Sets status and headers of `writeHead` on a response, so that more can be added before they are sent. Throws the
 * same errors as Node. Returns the arguments that remain for Node's `writeHead`.
 */
export function applyHead(res: ServerResponse, args: HeadArguments): readonly unknown[] {
  const [status, reason] = args;
  if (isHttp2(res)) applyHttp2(res, args);
  else applyHttp1(res, args);
  return typeof reason === "string" ? [status, reason] : [status];
}

function applyHttp1(res: ServerResponse, [status, reason, more]: HeadArguments): void {
  const headers = more ?? (typeof reason === "object" ? reason : undefined);
  const areAlone = res.getHeaderNames().length === 0;
  setStatus(res, toStatus(status), typeof reason === "string" ? reason : statusOf(res)[1]);
  if (!headers) return;
  if (!areAlone) return mergeHeaders(res, headers);
  try {
    setHeaders(res, headers);
  } catch (error) {
    for (const name of res.getHeaderNames()) res.removeHeader(name);
    throw error;
  }
}

/** If no header was set before, Node sends the list as it is, including repeated names. */
function setHeaders(res: ServerResponse, headers: HeadHeaders): void {
  const isPairs = Array.isArray(headers) && Array.isArray(headers[0]);
  const list = isPairs
    ? (headers as readonly Pair[])
    : Array.isArray(headers)
      ? pairsOf(headers)
      : (Object.entries(headers) as Pair[]);
  const seen: unknown[] = [];
  for (const [name, value] of list) {
    const key: unknown = typeof name === "string" ? name.toLowerCase() : name;
    if (seen.includes(key)) append(res, name, value);
    else res.setHeader(name, value);
    seen.push(key);
  }
}

/** Otherwise Node sets one after the other, and skips empty names. */
function mergeHeaders(res: ServerResponse, headers: HeadHeaders): void {
  const isList = Array.isArray(headers);
  const list = (isList ? pairsOf(headers) : (Object.entries(headers) as Pair[])).filter(([name]) => name);
  if (isList && appendsLists()) return replaceHeaders(res, list);
  for (const [name, value] of list) res.setHeader(name, value);
}

function replaceHeaders(res: ServerResponse, list: readonly Pair[]): void {
  for (const [name] of list) res.removeHeader(name);
  for (const [name, value] of list) append(res, name, value);
}

let isAppending: boolean | undefined;

/** If a list contains a header twice, Node 20 sends the last one, later versions both. */
function appendsLists(): boolean {
  return (isAppending ??= wasAppended());
}

function wasAppended(): boolean {
  const http = builtinModule<{ ServerResponse: new (req: object) => ServerResponse }>("node:http");
  if (!http) return true;
  const res = new http.ServerResponse({ method: "GET" });
  res.setHeader("X-A", "0");
  res.writeHead(200, ["X-A", "1", "X-A", "2"]);
  return Array.isArray(res.getHeader("X-A"));
}

/** HTTP/2 keeps the headers that were set before an error. */
function applyHttp2(res: ServerResponse, [status, reason, more]: HeadArguments): void {
  const headers = more === undefined && typeof reason === "object" ? reason : more;
  if (Array.isArray(headers)) replaceHttp2(res, headers);
  else if (typeof headers === "object")
    for (const name of Object.keys(headers)) res.setHeader(name, (headers as OutgoingHttpHeaders)[name]!);
  checkNames(res);
  if (status >= 200 && status < 600) res.statusCode = status;
}

function replaceHttp2(res: ServerResponse, headers: readonly unknown[]): void {
  const isPairs = Array.isArray(headers[0]);
  const names = isPairs ? (headers as readonly Pair[]).map(([name]) => name) : headers.filter((_, i) => i % 2 === 0);
  for (const name of names) res.removeHeader(name as string);
  for (const [name, value] of isPairs ? (headers as readonly Pair[]) : pairsOf(headers)) append(res, name, value);
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** HTTP/2 checks names when it sends them. */
function checkNames(res: ServerResponse): void {
  const name = res.getHeaderNames().find((one) => !TOKEN.test(one));
  if (name !== undefined)
    throw coded(TypeError, "ERR_INVALID_HTTP_TOKEN", `Header name must be a valid HTTP token ["${name}"]`);
}

/** Also for a response without `appendHeader`. */
function append(res: ServerResponse, name: string, value: OutgoingHttpHeader): void {
  if (typeof res.appendHeader === "function") return void res.appendHeader(name, value as string);
  const before = res.getHeader(name);
  const all = [before, value].flat().filter((one) => one !== undefined);
  res.setHeader(name, before === undefined ? value : (all as string[]));
}

/** Node refuses invalid values. */
type Pair = readonly [name: string, value: OutgoingHttpHeader];

function pairsOf(list: readonly unknown[]): Pair[] {
  if (list.length % 2 !== 0) {
    throw coded(
      TypeError,
      "ERR_INVALID_ARG_VALUE",
      `The argument 'headers' is invalid. Received a list of ${list.length}: names and values come in pairs`,
    );
  }
  return list.flatMap((name, i): Pair[] =>
    i % 2 === 0 ? [[name as string, list[i + 1] as OutgoingHttpHeader]] : [],
  );
}

/**
 * Calls a function with an earlier status set on the response. Afterwards the response has the later status, as in
 * Node.
 */
export function underStatus(
  res: ServerResponse,
  earlier: { readonly status: number; readonly message: string | undefined },
  work: () => void,
): void {
  const [status, message] = statusOf(res);
  const isOther = status !== earlier.status || message !== earlier.message;
  if (isOther) setStatus(res, earlier.status, earlier.message);
  work();
  if (isOther) setStatus(res, status, message);
}
