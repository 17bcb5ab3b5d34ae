import { createAdaptorServer } from "@hono/node-server";
import { Hono, type Context } from "hono";
import { setCookie } from "hono/cookie";
import type { Server, ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { Session, StoredSession } from "holdfast";
import * as entry from "holdfast/hono";
import { webBody } from "./bodies.js";
import { requestOf } from "./fetch.js";
import { listening, logged, mountedOf, optionsOf, statusOf } from "./serving.js";
import type { Adapter, App, AppOptions, Data, Handle, Reply, Routes, Write } from "./types.js";

type Env = entry.SessionEnv<Data>;
type HonoContext = Context<Env>;

async function start(options: AppOptions, routes: Routes): Promise<App> {
  const { app, sessions, errors } = honoApp(options, routes);
  const server = options.isHttp2
    ? createAdaptorServer({ fetch: app.fetch, createServer: createHttp2Server })
    : createAdaptorServer({ fetch: app.fetch });
  return listening(server as Server, sessions, errors);
}

/** The application, to be served by anything. */
export function honoApp(
  options: AppOptions,
  routes: Routes,
): { app: Hono<Env>; sessions: readonly entry.Sessions<Data>[]; errors: readonly unknown[] } {
  const sessions = optionsOf(options).map((one) => entry.session<Data>(one as entry.HonoOptions));
  const errors: unknown[] = [];
  const app = new Hono<Env>();
  const { guard, errorPage } = options;
  app.use(async (c, next) => {
    await next();
    if (c.error) errors.push(c.error);
  });
  app.use(
    (c, next) => (
      logged(options, (c.env as { outgoing: ServerResponse }).outgoing, () => new HonoHandle(sessions, c)),
      next()
    ),
  );
  if (options.crossOrigin) app.use(entry.crossOriginProtection(options.crossOrigin));
  if (options.parsesForms) {
    app.use(async (c, next) => {
      await c.req.parseBody();
      await next();
    });
  }
  for (const one of mountedOf(options, sessions)) app.use(one);
  if (guard) app.use(async (c, next) => (guard(new HonoHandle(sessions, c)) ? next() : c.text("who are you?", 401)));
  if (errorPage)
    app.onError((error, c) =>
      c.text(errorPage(new HonoHandle(sessions, c as HonoContext), error), statusOf(error) as 500),
    );
  for (const [path, handler] of Object.entries(routes))
    app.all(path, (c) => handler(new HonoHandle(sessions, c)) as Response);
  return { app, sessions, errors };
}

class HonoHandle implements Handle {
  readonly native: { c: HonoContext };
  readonly sessions: readonly any[];

  constructor(sessions: readonly any[], c: HonoContext) {
    this.sessions = sessions;
    this.native = { c };
  }

  get context(): object {
    return this.native.c;
  }

  get method(): string {
    return this.native.c.req.method;
  }

  get url(): string {
    const { pathname, search } = new URL(this.native.c.req.url);
    return pathname + search;
  }

  get session(): Session<Data> {
    return this.native.c.get("session");
  }

  assignSession(value: unknown): void {
    this.native.c.set("session", value as Session<Data>);
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
    return this.sessions[0].open(this.native.c);
  }

  answer({ status = 200, body, headers = {} }: Reply): Response {
    const { c } = this.native;
    return body === undefined ? c.body(null, status as 204, headers) : c.body(body, status as 200, headers);
  }

  json(value: unknown): Response {
    return this.native.c.json(value as object);
  }

  redirect(location: string): Response {
    return this.native.c.redirect(location, 303);
  }

  stream(produce: (write: Write) => Promise<void>, { status = 200, headers = {} }: Reply = {}): Response {
    return this.native.c.body(webBody(produce), status as 200, headers);
  }

  readBody(): Promise<string> {
    return this.native.c.req.text();
  }

  parsedBody(): Promise<Record<string, unknown>> {
    return this.native.c.req.parseBody();
  }

  headersSent(): boolean {
    return (this.native.c.env as { outgoing: { headersSent: boolean } }).outgoing.headersSent;
  }
}

const way =
  (answer: (c: HonoContext, line: string) => unknown) =>
  ({ native: { c } }: Handle, line: string): unknown =>
    answer(c as HonoContext, line);

export const hono: Adapter = {
  name: "hono",
  start,
  cookieWays: {
    "c.header": way((c, line) => {
      c.header("Set-Cookie", line);
      return c.text("ok");
    }),
    "c.header with append": way((c, line) => {
      c.header("Set-Cookie", line, { append: true });
      return c.text("ok");
    }),
    "setCookie of hono/cookie": way((c) => {
      setCookie(c, "own", "1");
      return c.text("ok");
    }),
    "c.body with headers": way((c, line) => c.body("ok", 200, { "Set-Cookie": line, "Content-Type": "text/plain" })),
    "c.json with headers": way((c, line) => c.json("ok", 200, { "Set-Cookie": [line] })),
    "a Response of its own": way(
      (_c, line) => new Response("ok", { headers: { "Set-Cookie": line, "Content-Type": "text/plain" } }),
    ),
    "c.res.headers": way((c, line) => {
      c.res = new Response("ok", { headers: { "Content-Type": "text/plain" } });
      c.res.headers.append("Set-Cookie", line);
      return c.res;
    }),
    "c.header beside a stream": way((c, line) => {
      c.header("Set-Cookie", line);
      return c.body(webBody((write) => write("ok")));
    }),
  },
  answerError: (_context, status, text) => new Response(text, { status }),
  pathOf: ([c]) => (c as HonoContext).req.path,
  read: (sessions: entry.Sessions<Data>, request) => readThroughRouter(sessions, requestOf(request)),
};

/** An upgrade request comes to a Hono application as a request like any other. */
async function readThroughRouter(sessions: entry.Sessions<Data>, request: Request): Promise<StoredSession<Data>> {
  const router = new Hono();
  const read = new Promise<StoredSession<Data>>((resolve) => {
    router.all("*", (c) => {
      resolve(sessions.read(c));
      return c.body(null);
    });
  });
  await router.fetch(request);
  return read;
}
