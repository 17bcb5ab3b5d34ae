import makeConnect, { type NextFunction } from "connect";
import express from "express";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import * as entry from "holdfast/connect";
import { NodeHandle, nodeCookieWays } from "./node-handle.js";
import { node } from "./node.js";
import { listening, logged, mountedOf, optionsOf, statusOf } from "./serving.js";
import type { Adapter, App, AppOptions, Data, Handler, Routes } from "./types.js";

async function start(options: AppOptions, routes: Routes): Promise<App> {
  const sessions = optionsOf(options).map((one) => entry.session<Data>(one as entry.ConnectOptions));
  const errors: unknown[] = [];
  const app = makeConnect();
  const handleOf = (req: IncomingMessage, res: ServerResponse): NodeHandle =>
    new NodeHandle(entry, sessions, req, res);
  app.use((req, res, next) => (logged(options, res, () => handleOf(req, res)), next()));
  if (options.crossOrigin) app.use(entry.crossOriginProtection(options.crossOrigin));
  if (options.parsesForms) app.use(express.urlencoded({ extended: false }) as never);
  for (const one of mountedOf(options, sessions)) app.use(one);
  const { guard, errorPage } = options;
  if (guard)
    app.use((req, res, next) =>
      guard(handleOf(req, res)) ? next() : handleOf(req, res).answer({ status: 401, body: "who are you?" }),
    );
  app.use((req, res, next) => routed(routes, handleOf(req, res), next));
  app.use((error: unknown, req: IncomingMessage, res: ServerResponse, next: NextFunction) => {
    errors.push(error);
    if (!errorPage) return next(error);
    const handle = handleOf(req, res);
    handle.answer({ status: statusOf(error), body: errorPage(handle, error) });
  });
  return listening(options.isHttp2 ? createHttp2Server(app as never) : createServer(app), sessions, errors);
}

/** A handler under its exact path; connect does not wait for promises, so their failures are handed on. */
function routed(routes: Routes, handle: NodeHandle, next: NextFunction): void {
  const handler = routes[handle.url.split("?")[0]!];
  if (handler) handOn(handler, handle, next);
  else next();
}

/** Calls a handler of a framework that knows no promises. What it throws at once is the framework's to catch. */
export function handOn(handler: Handler, handle: NodeHandle, next: (error?: unknown) => void): void {
  const answered = handler(handle);
  if (answered instanceof Promise) answered.catch(next);
}

export const connect: Adapter = { ...node, name: "connect", start, cookieWays: nodeCookieWays };
