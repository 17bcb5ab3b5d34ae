import { getRequestListener } from "@hono/node-server";
import makeConnect from "connect";
import express5 from "express";
import makeFastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { Hono, type Context as HonoContext } from "hono";
import Koa, { type Context as KoaContext } from "koa";
import { createServer as createHttp2Server } from "node:http2";
import { createRequire } from "node:module";
import { SessionError } from "holdfast";
import * as connectEntry from "holdfast/connect";
import * as fastifyEntry from "holdfast/fastify";
import * as fetchEntry from "holdfast/fetch";
import * as honoEntry from "holdfast/hono";
import * as koaEntry from "holdfast/koa";
import * as nodeEntry from "holdfast/node";
import type { App, Framework, Io, Options, Row, Stage } from "./row.js";

type Express = typeof express5;

const express4 = createRequire(import.meta.url)("express4") as Express;

/** The function `session` of a framework's entry, as it would be imported. */
export const ENTRIES: Readonly<Record<Framework, (options: any) => any>> = {
  node: nodeEntry.session,
  http2: connectEntry.session,
  connect: connectEntry.session,
  express: connectEntry.session,
  express4: connectEntry.session,
  koa: koaEntry.session,
  fastify: fastifyEntry.session,
  hono: honoEntry.session,
  fetch: fetchEntry.session,
};

const passOn = (_req: unknown, _res: unknown, next: () => void): void => next();

/** What does nothing in the session's place. */
export const NOTHING: Readonly<Record<Framework, any>> = {
  node: (handler: unknown) => handler,
  http2: passOn,
  connect: passOn,
  express: passOn,
  express4: passOn,
  koa: (_ctx: unknown, next: () => unknown) => next(),
  fastify: (_app: unknown, _options: unknown, done: () => void) => done(),
  hono: (_c: unknown, next: () => unknown) => next(),
  fetch: (handler: unknown) => handler,
};

const refusal = (): SessionError => new SessionError("storage", "refused");
const refuse = (_req: unknown, _res: unknown, next: (error: unknown) => void): void => next(refusal());
const throwRefusal = (): never => {
  throw refusal();
};

/** What fails in the session's place as a failed save would: it shows the error path of the program around. */
export const REFUSAL: Readonly<Record<Framework, any>> = {
  // There is no error path of a framework: this is what the adapter documents.
  node: () => (_req: unknown, res: any) => {
    res.statusCode = 503;
    res.setHeader("Content-Type", "text/plain; charset=utf-8");
    res.end("Service Unavailable");
  },
  http2: refuse,
  connect: refuse,
  express: refuse,
  express4: refuse,
  koa: throwRefusal,
  fastify: Object.assign(
    (app: FastifyInstance, _options: unknown, done: () => void) => {
      app.addHook("onRequest", (_request, _reply, next) => next(refusal()));
      done();
    },
    { [Symbol.for("skip-override")]: true },
  ),
  hono: throwRefusal,
  fetch: () => () => refusal().getResponse(),
};

/** Frameworks whose handlers are given Node's own request and response; on Koa with `ctx.respond = false`. */
export const NODE: readonly Framework[] = ["node", "http2", "connect", "express", "express4", "koa"];
/** Those that have `next(error)`. */
export const CONNECT: readonly Framework[] = ["http2", "connect", "express", "express4"];
export const EXPRESS: readonly Framework[] = ["express", "express4"];
/** HTTP/1 alone. */
export const NODE_1: readonly Framework[] = NODE.filter((name) => name !== "http2");

/**
 * A row for Node's own request and response. Connect and Express 4 are handed what an async handler throws, as an
 * application does it.
 */
export function onNode(
  name: string,
  handler: (io: Io) => unknown,
  { around, ...options }: Options & { around?: Around } = {},
): Row {
  return { on: NODE, ...options, name, app: (stage) => nodeApp(stage, handler, around) };
}

/** A row for a handler with `next`. */
export function onConnect(
  name: string,
  handler: (io: Io) => unknown,
  options: Options & { around?: Around } = {},
): Row {
  return onNode(name, handler, { on: CONNECT, ...options });
}

/** A row for the functions that Express adds to a response. */
export function onExpress(
  name: string,
  handler: (io: Io) => unknown,
  options: Options & { around?: Around } = {},
): Row {
  return onNode(name, handler, { on: EXPRESS, ...options });
}

/** What an application has around its handler. */
export interface Around {
  /** Stands before the session. */
  readonly before?: readonly any[];
  /** Stands between the session and the handler. */
  readonly after?: readonly any[];
  /** Stands behind the handler: error handlers among them. */
  readonly last?: readonly any[];
  /** Is given the application first: settings, engines. */
  readonly prepare?: (app: any) => unknown;
}

/** An application whose handler is given Node's own request and response. */
export function nodeApp(stage: Stage, handler: (io: Io) => unknown, around: Around = {}): App | Promise<App> {
  const { framework } = stage;
  if (framework === "node")
    return stage.session((req: any, res: any) => handler(ioOf(stage, req, req, res, lastResort)));
  if (framework === "koa") return koaApp(stage, (ctx) => rawOnKoa(stage, ctx, handler), around);
  if (framework === "fastify")
    return fastifyApp(stage, (request, reply) => rawOnFastify(stage, request, reply, handler));
  const app = middlewares(framework);
  around.prepare?.(app);
  const middleware = (req: any, res: any, next: any): unknown => {
    const handled = handler(ioOf(stage, req, req, res, next));
    return framework === "express" || !(handled instanceof Promise) ? handled : handled.catch(next);
  };
  for (const one of [
    ...(around.before ?? []),
    stage.session,
    ...(around.after ?? []),
    middleware,
    ...(around.last ?? []),
  ])
    app.use(one);
  return framework === "http2" ? createHttp2Server(app as never) : (app as unknown as App);
}

/** A new application of connect or Express. */
export function middlewares(framework: Framework): { use(one: any): unknown } & Record<string, any> {
  if (framework === "express") return express5();
  if (framework === "express4") return express4();
  return makeConnect();
}

function ioOf(stage: Stage, context: object, req: any, res: any, next: Io["next"]): Io {
  const { note, callback, later } = stage;
  return { req, res, next, note, callback, later, stage, touch: () => stage.touch(context) };
}

function lastResort(error?: unknown): never {
  throw error ?? new Error("nobody answers");
}

function rawOnKoa(stage: Stage, ctx: KoaContext, handler: (io: Io) => unknown): unknown {
  ctx.respond = false;
  return handler(ioOf(stage, ctx, ctx.req, ctx.res, lastResort));
}

function rawOnFastify(
  stage: Stage,
  request: FastifyRequest,
  reply: FastifyReply,
  handler: (io: Io) => unknown,
): unknown {
  reply.hijack();
  return handler(ioOf(stage, request, request.raw, reply.raw, lastResort));
}

/** A Koa application. What reaches its error path is not printed. */
export function koaApp(
  stage: Stage,
  handler: (ctx: KoaContext) => unknown,
  { before = [], after = [], prepare }: Around = {},
): App {
  const app = new Koa();
  app.silent = true;
  prepare?.(app);
  for (const one of [...before, stage.session, ...after]) app.use(one);
  app.use(async (ctx) => void (await handler(ctx)));
  return app.callback() as App;
}

/** A Fastify application with one route for every method and path. */
export async function fastifyApp(
  stage: Stage,
  handler: (request: FastifyRequest, reply: FastifyReply) => unknown,
  prepare: (app: FastifyInstance) => unknown = () => {},
): Promise<App> {
  const app = makeFastify({ forceCloseConnections: true }) as unknown as FastifyInstance;
  stage.onEnd(() => app.close());
  await prepare(app);
  await app.register(stage.session);
  app.all("*", handler as never);
  await app.ready();
  return app.server as App;
}

export type WebHandler = (request: Request, ...rest: any[]) => Response | Promise<Response>;

/**
 * How fetch functions are served. Runtimes that have a server for them put it in this one's place (test/runtimes).
 */
export const web: { listener(fetch: WebHandler, options?: { readonly overrideGlobalObjects: boolean }): App } = {
  listener: getRequestListener as never,
};

/** A Hono application behind @hono/node-server. */
export function honoApp(
  stage: Stage,
  handler: (c: HonoContext) => unknown,
  { before = [], after = [], prepare }: Around = {},
): App {
  const app = new Hono();
  prepare?.(app);
  for (const one of [...before, stage.session, ...after]) app.use(one);
  app.all("*", handler as never);
  return web.listener(app.fetch as WebHandler);
}

/** A plain fetch handler behind @hono/node-server, with the platform's own `Request` and `Response`. */
export function fetchApp(stage: Stage, handler: (request: Request) => unknown): App {
  return web.listener(stage.session(handler), { overrideGlobalObjects: false });
}

type With<C> = { readonly [K in "note" | "callback" | "later"]: Stage[K] } & C & {
    touch(): "seen";
    readonly stage: Stage;
  };

function withStage<C extends object>(stage: Stage, context: object, own: C): With<C> {
  const { note, callback, later } = stage;
  return { ...own, note, callback, later, stage, touch: () => stage.touch(context) };
}

type Own = Omit<Options, "on"> & { around?: Around };
type FastifyIo = With<{ request: FastifyRequest; reply: any }>;

/** A row for Koa's own ways. */
export function onKoa(
  name: string,
  handler: (io: With<{ ctx: KoaContext }>) => unknown,
  { around, ...options }: Own = {},
): Row {
  return {
    ...options,
    name,
    on: ["koa"],
    app: (stage) => koaApp(stage, (ctx) => handler(withStage(stage, ctx, { ctx })), around),
  };
}

/** A row for Fastify's own ways. */
export function onFastify(
  name: string,
  handler: (io: FastifyIo) => unknown,
  { prepare, ...options }: Omit<Options, "on"> & { prepare?: (app: FastifyInstance, stage: Stage) => unknown } = {},
): Row {
  return {
    ...options,
    name,
    on: ["fastify"],
    app: (stage) =>
      fastifyApp(
        stage,
        (request, reply) => handler(withStage(stage, request, { request, reply })),
        (app) => prepare?.(app, stage),
      ),
  };
}

/** A row for Hono's own ways. */
export function onHono(
  name: string,
  handler: (io: With<{ c: HonoContext }>) => unknown,
  { around, ...options }: Own = {},
): Row {
  return {
    ...options,
    name,
    on: ["hono"],
    app: (stage) => honoApp(stage, (c) => handler(withStage(stage, c, { c })), around),
  };
}

/** A row for a fetch handler. */
export function onFetch(
  name: string,
  handler: (io: With<{ request: Request }>) => unknown,
  options: Omit<Options, "on"> = {},
): Row {
  return {
    ...options,
    name,
    on: ["fetch"],
    app: (stage) => fetchApp(stage, (request) => handler(withStage(stage, request, { request }))),
  };
}
