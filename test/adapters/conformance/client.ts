import { request, type IncomingMessage } from "node:http";
import { within } from "../../support/within.js";
import type { RequestLine } from "./format.js";

/** An answer as it stood on the wire. */
export interface Received {
  readonly status: number;
  /** By lower-case name; lines of the same name joined with a comma. Set-Cookie is not among them. */
  readonly headers: ReadonlyMap<string, string>;
  readonly setCookies: readonly string[];
  readonly body: string;
}

const PATIENCE_MS = 5000;

/** Sends one request on a connection of its own: every header line as it is given, nothing merged or put in order. */
export async function send(
  port: number,
  line: RequestLine,
  more: readonly (readonly [string, string])[],
): Promise<Received> {
  const { method = "GET", path = "/" } = line;
  const body = line.form && new URLSearchParams(line.form).toString();
  const headers = [
    ...(line.headers ?? []),
    ...more,
    ...framing(method, body),
    ["Host", `127.0.0.1:${port}`],
    ["Connection", "close"],
  ];
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      method,
      path: onWire(path),
      headers: withoutRepeated(headers as [string, string][]),
      agent: false,
    };
    request(options, resolve).on("error", reject).end(body);
  });
  return within(PATIENCE_MS, `${method} ${path.replace(/\?.*/, "?…")}`, answered.then(received));
}

function framing(method: string, body: string | undefined): (readonly [string, string])[] {
  if (body === undefined) return method === "GET" || method === "HEAD" ? [] : [["Content-Length", "0"]];
  return [
    ["Content-Type", "application/x-www-form-urlencoded"],
    ["Content-Length", String(Buffer.byteLength(body))],
  ];
}

/** A flat list, as Node takes it. What the scenario sends itself goes before what every request has. */
function withoutRepeated(headers: readonly (readonly [string, string])[]): string[] {
  const single = new Set(["host", "connection", "content-type", "content-length"]);
  const isFirst = ([name]: readonly [string, string], index: number): boolean =>
    headers.findIndex(([other]) => other.toLowerCase() === name.toLowerCase()) === index;
  const kept = headers.filter((pair, index) => !single.has(pair[0].toLowerCase()) || isFirst(pair, index));
  return kept.flatMap(([name, value]) => [name, Buffer.from(value, "utf8").toString("latin1")]);
}

/** Nothing that a request line cannot hold. */
function onWire(path: string): string {
  return path.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
}

async function received(response: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const headers = new Map<string, string>();
  const setCookies: string[] = [];
  for (let at = 0; at < response.rawHeaders.length; at += 2) {
    const [name, value] = [response.rawHeaders[at]!.toLowerCase(), response.rawHeaders[at + 1]!];
    if (name === "set-cookie") setCookies.push(value);
    else headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
  }
  return { status: response.statusCode ?? 0, headers, setCookies, body: Buffer.concat(chunks).toString("utf8") };
}
