import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import * as entry from "holdfast/node";
import { NodeHandle, nodeCookieWays } from "./node-handle.js";
import { listening, logged, mountedOf, optionsOf, reported } from "./serving.js";
import type { Adapter, App, AppOptions, Data, Routes } from "./types.js";

async function start(options: AppOptions, routes: Routes): Promise<App> {
  const sessions = optionsOf(options).map((one) => entry.session<Data>(one as entry.NodeOptions));
  const handleOf = (req: IncomingMessage, res: ServerResponse): NodeHandle =>
    new NodeHandle(entry, sessions, req, res);
  const inner = mounted(mountedOf(options, sessions), (req, res) => route(options, routes, handleOf(req, res)));
  const served = options.crossOrigin ? entry.crossOriginProtection(options.crossOrigin)(inner) : inner;
  const listener: RequestListener = (req, res) => (logged(options, res, () => handleOf(req, res)), served(req, res));
  const server = options.isHttp2 ? createHttp2Server(listener as never) : createServer(listener);
  return listening(server, sessions, reported);
}

function mounted(sessions: readonly entry.Sessions<Data>[], handler: RequestListener): RequestListener {
  return sessions.reduceRight<RequestListener>((inner, wrap) => wrap(inner), handler);
}

/** node:http has no routes, guards and error pages: this is what an application does instead. */
function route(options: AppOptions, routes: Routes, handle: NodeHandle): unknown {
  const handler = routes[handle.url.split("?")[0]!];
  if (!handler) return handle.answer({ status: 404, body: "not found" });
  if (options.guard && !options.guard(handle)) return handle.answer({ status: 401, body: "who are you?" });
  if (!options.errorPage) return handler(handle);
  return withPage(options.errorPage, handle, () => handler(handle));
}

async function withPage(
  page: NonNullable<AppOptions["errorPage"]>,
  handle: NodeHandle,
  answer: () => unknown,
): Promise<void> {
  try {
    await answer();
  } catch (error) {
    reported.push(error);
    handle.answer({ status: 500, body: page(handle, error) });
  }
}

export const node: Adapter = {
  name: "node",
  start,
  cookieWays: nodeCookieWays,
  answerError: ([, res]: readonly [IncomingMessage, ServerResponse], status, text) => {
    res.statusCode = status;
    res.end(text);
  },
  pathOf: ([req]) => (req as IncomingMessage).url!,
  read: (sessions: entry.Sessions<Data>, request) => sessions.read(request),
};
