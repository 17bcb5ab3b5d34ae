import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Session, StoredSession } from "holdfast";
import * as entry from "holdfast/fetch";
import { drained, webBody } from "./bodies.js";
import { listening, mountedOf, optionsOf, reported, statusOf } from "./serving.js";
import type { Adapter, App, AppOptions, Data, Handle, Reply, Routes, Write } from "./types.js";

export type FetchHandler = (request: Request) => Response | Promise<Response>;

/** Hono's server puts classes of its own in their place, for the whole process. */
const NATIVE = { Request, Response };

async function start(options: AppOptions, routes: Routes): Promise<App> {
  for (const [name, value] of Object.entries(NATIVE))
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  const { handler, sessions } = fetchApp(options, routes);
  const server = createServer((req, res) => void bridge(handler, req, res));
  return listening(server, sessions, reported);
}

/** The application, to be served by anything. */
export function fetchApp(
  options: AppOptions,
  routes: Routes,
): { handler: FetchHandler; sessions: readonly entry.Sessions<Data>[] } {
  const sessions = optionsOf(options).map((one) => entry.session<Data>(one as entry.FetchOptions));
  const inner = mountedOf(options, sessions).reduceRight<FetchHandler>(
    (next, wrap) => wrap(next),
    (request) => route(options, routes, new FetchHandle(sessions, request)),
  );
  const handler = options.crossOrigin ? entry.crossOriginProtection(options.crossOrigin)(inner) : inner;
  return { handler, sessions };
}

/** A fetch-style server has no routes, guards and error pages: this is what an application does instead. */
async function route(options: AppOptions, routes: Routes, handle: FetchHandle): Promise<Response> {
  const handler = routes[handle.url.split("?")[0]!];
  if (!handler) return new Response("not found", { status: 404 });
  if (options.guard && !options.guard(handle)) return new Response("who are you?", { status: 401 });
  try {
    return (await handler(handle)) as Response;
  } catch (error) {
    if (!options.errorPage) throw error;
    reported.push(error);
    return handle.answer({ status: 500, body: options.errorPage(handle, error) });
  }
}

/** The smallest runtime for a fetch handler: requests of node:http become `Request`s, and `Response`s its answers. */
async function bridge(handler: FetchHandler, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const isGone = new AbortController();
  res.once("close", () => isGone.abort());
  try {
    await send(await handler(requestOf(req, isGone.signal)), req, res);
  } catch (error) {
    reported.push(error);
    if (!res.headersSent) res.writeHead(statusOf(error)).end("sorry");
    else res.destroy();
  }
}

/** A Node request as a `Request`. */
export function requestOf(req: IncomingMessage, signal?: AbortSignal): Request {
  const headers = new Headers();
  for (let i = 0; i < req.rawHeaders.length; i += 2) headers.append(req.rawHeaders[i]!, req.rawHeaders[i + 1]!);
  const hasBody = req.method !== "GET" && req.method !== "HEAD";
  const body = hasBody ? (Readable.toWeb(req) as ReadableStream<Uint8Array>) : null;
  // On Bun every socket has the property.
  const scheme = (req.socket as { encrypted?: boolean }).encrypted ? "https" : "http";
  return new Request(`${scheme}://${req.headers.host}${req.url}`, {
    method: req.method!,
    headers,
    body,
    duplex: "half",
    ...(signal && { signal }),
  } as RequestInit);
}

async function send(response: Response, { method }: IncomingMessage, res: ServerResponse): Promise<void> {
  const headers = [...response.headers].flat();
  res.writeHead(response.status, headers).flushHeaders();
  if (response.body && method !== "HEAD") await sendBody(response.body.getReader(), res);
  res.end();
}

async function sendBody(reader: ReadableStreamDefaultReader<Uint8Array>, res: ServerResponse): Promise<void> {
  res.once("close", () => void reader.cancel().catch(() => {}));
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    if (!res.write(piece.value)) await drained(res);
  }
}

class FetchHandle implements Handle {
  readonly native: { request: Request };
  readonly sessions: readonly any[];
  readonly #headers = new Headers();

  constructor(sessions: readonly any[], request: Request) {
    this.sessions = sessions;
    this.native = { request };
  }

  get context(): object {
    return this.native.request;
  }

  get method(): string {
    return this.native.request.method;
  }

  get url(): string {
    const { pathname, search } = new URL(this.native.request.url);
    return pathname + search;
  }

  get session(): Session<Data> {
    return this.getSession();
  }

  assignSession(): void {
    throw new Error("a Request has no place for a session");
  }

  getSession(): Session<Data> {
    return entry.getSession<Data>(this.context);
  }

  loadSession(): Promise<Session<Data>> {
    return entry.loadSession<Data>(this.context);
  }

  findSession(): Session<Data> | undefined {
    return entry.findSession<Data>(this.context);
  }

  open(): Promise<StoredSession<Data>> {
    return this.sessions[0].open(this.native.request, this.#headers);
  }

  answer({ status = 200, body, headers = {} }: Reply): Response {
    return new Response(body ?? null, { status, headers: this.#with(headers) });
  }

  json(value: unknown): Response {
    return Response.json(value, { headers: this.#with({}) });
  }

  redirect(location: string): Response {
    const headers = [...this.#headers];
    return headers.length > 0
      ? this.answer({ status: 303, headers: { location } })
      : Response.redirect(new URL(location, this.native.request.url), 303);
  }

  stream(produce: (write: Write) => Promise<void>, { status = 200, headers = {} }: Reply = {}): Response {
    return new Response(webBody(produce), { status, headers: this.#with(headers) });
  }

  readBody(): Promise<string> {
    return this.native.request.text();
  }

  async parsedBody(): Promise<Record<string, unknown>> {
    throw new Error("nothing parses bodies here");
  }

  headersSent(): boolean {
    throw new Error("a fetch handler sees no connection");
  }

  #with(more: Record<string, string>): Headers {
    const headers = new Headers(this.#headers);
    for (const [name, value] of Object.entries(more)) headers.append(name, value);
    return headers;
  }
}

export const fetchAdapter: Adapter = {
  name: "fetch",
  start,
  cookieWays: {
    "headers as an object": (_h, line) => new Response("ok", { headers: { "Set-Cookie": line } }),
    "headers as a list": (_h, line) => new Response("ok", { headers: [["Set-Cookie", line]] }),
    "headers.append": (_h, line) => {
      const response = new Response("ok");
      response.headers.append("Set-Cookie", line);
      return response;
    },
    "Response.json with headers": (_h, line) => Response.json("ok", { headers: { "Set-Cookie": line } }),
    "a streamed body": (_h, line) =>
      new Response(
        webBody((write) => write("ok")),
        { headers: { "Set-Cookie": line } },
      ),
  },
  answerError: (_context, status, text) => new Response(text, { status }),
  pathOf: ([request]) => new URL((request as Request).url).pathname,
  read: (sessions: entry.Sessions<Data>, request) => sessions.read(requestOf(request)),
};
