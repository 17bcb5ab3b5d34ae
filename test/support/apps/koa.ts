import Koa, { type Context, type Next } from "koa";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createRequire } from "node:module";
import type { Session, StoredSession } from "holdfast";
import * as entry from "holdfast/koa";
import { nodeBody } from "./bodies.js";
import { listening, logged, mountedOf, optionsOf, statusOf } from "./serving.js";
import type { Adapter, App, AppOptions, Data, Handle, Reply, Routes, Write } from "./types.js";

const bodyParser = createRequire(import.meta.url)("koa-bodyparser") as () => Koa.Middleware;

async function start(options: AppOptions, routes: Routes): Promise<App> {
  const sessions = optionsOf(options).map((one) => entry.session<Data>(one as entry.KoaOptions));
  const errors: unknown[] = [];
  const app = new Koa();
  app.on("error", (error) => errors.push(error));
  const { guard, errorPage } = options;
  app.use((ctx, next) => (logged(options, ctx.res, () => new KoaHandle(sessions, ctx)), next()));
  if (errorPage) app.use((ctx, next) => withPage(errorPage, errors, new KoaHandle(sessions, ctx), next));
  if (options.crossOrigin) app.use(entry.crossOriginProtection(options.crossOrigin));
  if (options.parsesForms) app.use(bodyParser());
  for (const one of mountedOf(options, sessions)) app.use(one);
  if (guard) app.use((ctx, next) => (guard(new KoaHandle(sessions, ctx)) ? next() : ctx.throw(401, "who are you?")));
  app.use((ctx, next) => routes[ctx.path]?.(new KoaHandle(sessions, ctx)) ?? (routes[ctx.path] ? undefined : next()));
  const server = options.isHttp2 ? createHttp2Server(app.callback()) : createServer(app.callback());
  return listening(server, sessions, errors);
}

async function withPage(
  page: NonNullable<AppOptions["errorPage"]>,
  errors: unknown[],
  handle: KoaHandle,
  next: Next,
): Promise<void> {
  try {
    await next();
  } catch (error) {
    errors.push(error);
    handle.answer({ status: statusOf(error), body: page(handle, error) });
  }
}

class KoaHandle implements Handle {
  readonly native: { ctx: Context };
  readonly sessions: readonly any[];

  constructor(sessions: readonly any[], ctx: Context) {
    this.sessions = sessions;
    this.native = { ctx };
  }

  get context(): object {
    return this.native.ctx;
  }

  get method(): string {
    return this.native.ctx.method;
  }

  get url(): string {
    return this.native.ctx.url;
  }

  get session(): Session<Data> {
    return this.native.ctx["session"] as Session<Data>;
  }

  assignSession(value: unknown): void {
    (this.native.ctx as { session: unknown }).session = value;
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
    return this.sessions[0].open(this.native.ctx);
  }

  answer({ status = 200, body, headers = {} }: Reply): void {
    const { ctx } = this.native;
    ctx.status = status;
    ctx.set(headers);
    if (body !== undefined) ctx.body = body;
  }

  json(value: unknown): void {
    this.native.ctx.body = value;
  }

  redirect(location: string): void {
    this.native.ctx.status = 303;
    this.native.ctx.redirect(location);
  }

  stream(produce: (write: Write) => Promise<void>, { status = 200, headers = {} }: Reply = {}): void {
    const { ctx } = this.native;
    ctx.status = status;
    ctx.set(headers);
    ctx.body = nodeBody(produce);
  }

  async readBody(): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.native.ctx.req) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
  }

  async parsedBody(): Promise<Record<string, unknown>> {
    return (this.native.ctx.request as { body?: unknown }).body as Record<string, unknown>;
  }

  headersSent(): boolean {
    return this.native.ctx.headerSent;
  }
}

const way =
  (answer: (ctx: Context, line: string) => void) =>
  ({ native: { ctx } }: Handle, line: string): void =>
    answer(ctx as Context, line);

/** Takes the answer out of Koa's hands. */
const raw = (answer: (res: ServerResponse, line: string) => void) =>
  way((ctx, line) => {
    ctx.respond = false;
    answer(ctx.res, line);
  });

const said = (set: (ctx: Context, line: string) => void) =>
  way((ctx, line) => {
    set(ctx, line);
    ctx.body = "ok";
  });

export const koa: Adapter = {
  name: "koa",
  start,
  cookieWays: {
    "ctx.set": said((ctx, line) => ctx.set("Set-Cookie", line)),
    "ctx.set with a list": said((ctx, line) => ctx.set("Set-Cookie", [line])),
    "ctx.set with an object": said((ctx, line) => ctx.set({ "Set-Cookie": line })),
    "ctx.append": said((ctx, line) => ctx.append("Set-Cookie", line)),
    "ctx.cookies.set": said((ctx) => void ctx.cookies.set("own", "1")),
    "ctx.res.setHeader": said((ctx, line) => void ctx.res.setHeader("Set-Cookie", line)),
    "ctx.set beside a stream": way((ctx, line) => {
      ctx.set("Set-Cookie", line);
      ctx.body = nodeBody((write) => write("ok"));
    }),
    "ctx.flushHeaders": way((ctx, line) => {
      ctx.status = 200;
      ctx.set({ "Set-Cookie": line, "Content-Type": "text/plain; charset=utf-8" });
      ctx.flushHeaders();
      ctx.body = "ok";
    }),
    "ctx.res.writeHead with an object": raw((res, line) => res.writeHead(200, { "Set-Cookie": line }).end("ok")),
    "ctx.res.writeHead with a flat list": raw((res, line) => res.writeHead(200, ["Set-Cookie", line]).end("ok")),
  },
  answerError: ([ctx]: readonly [Context], status, text) => {
    ctx.status = status;
    ctx.body = text;
  },
  pathOf: ([ctx]) => (ctx as Context).url,
  read: (sessions: entry.Sessions<Data>, request: IncomingMessage) => sessions.read(request),
};
