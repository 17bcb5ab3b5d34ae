/** Takes the place of `support/apps.js` inside a Worker: the adapters, served by calling them. */
import { handleAsNodeRequest } from "cloudflare:node";
import { connect } from "../support/apps/connect.js";
import { express, expressFour } from "../support/apps/express.js";
import { fetchAdapter, fetchApp } from "../support/apps/fetch.js";
import { hono, honoApp } from "../support/apps/hono.js";
import { koa } from "../support/apps/koa.js";
import { node } from "../support/apps/node.js";
import { reported } from "../support/apps/serving.js";
import type { Adapter, AdapterName, App, AppOptions, Routes } from "../support/apps/types.js";

/** Ends the case that is played: it asked for something that a Worker has not. */
export const lacking: { end: (() => void) | undefined } = { end: undefined };

/** Stands for everything about a connection. */
export const needed = (): never => {
  lacking.end?.();
  throw new Error("a Worker's handler sees no connection");
};

/** What Hono's server on Node hands on. */
const OUTGOING = {
  once: needed,
  get headersSent(): never {
    return needed();
  },
};

/** The applications that run, by their origin. */
export const HANDLERS = new Map<string, (request: Request) => unknown>();

export { reported };

const NATIVE: readonly Adapter[] = [node, connect, express, expressFour, fetchAdapter, koa, hono];

export const ADAPTERS: readonly Adapter[] = NATIVE.map((adapter) => ({
  ...adapter,
  start: (options, routes) => startApp(adapter.name, options, routes),
}));

export function adapterNamed(name: AdapterName): Adapter {
  return ADAPTERS.find((adapter) => adapter.name === name)!;
}

let port = 1024;

export function startApp(name: AdapterName, options: AppOptions, routes: Routes): Promise<App> {
  return name === "fetch" || name === "hono" ? startFetch(name, options, routes) : startServer(name, options, routes);
}

/** A server of node:http listens inside the Worker alone, and is handed requests. */
async function startServer(name: AdapterName, options: AppOptions, routes: Routes): Promise<App> {
  if (options.isHttp2) needed();
  const app = await NATIVE.find((adapter) => adapter.name === name)!.start(options, routes);
  // It takes itself for each of its connections.
  app.server.setMaxListeners(0);
  HANDLERS.set(app.origin, (request) => handleAsNodeRequest(app.port, request));
  const close = async (): Promise<void> => {
    HANDLERS.delete(app.origin);
    app.server.close();
  };
  return Object.assign(Object.create(app) as App, { close });
}

async function startFetch(name: "fetch" | "hono", options: AppOptions, routes: Routes): Promise<App> {
  const origin = `http://localhost:${++port}`;
  const earlier = reported.length;
  const { handler, sessions, errors } = name === "hono" ? onHono(options, routes) : onFetch(options, routes);
  HANDLERS.set(origin, handler);
  return {
    origin,
    port,
    sessions,
    get errors() {
      return errors === reported ? reported.slice(earlier) : errors;
    },
    get server(): never {
      return needed();
    },
    close: async () => void HANDLERS.delete(origin),
  };
}

interface Made {
  readonly handler: (request: Request) => unknown;
  readonly sessions: readonly any[];
  readonly errors: readonly unknown[];
}

function onHono(options: AppOptions, routes: Routes): Made {
  const { app, sessions, errors } = honoApp(options, routes);
  return { handler: (request) => app.fetch(request, { outgoing: OUTGOING }), sessions, errors };
}

/** What a handler throws is reported, as its runtime would. */
function onFetch(options: AppOptions, routes: Routes): Made {
  const { handler, sessions } = fetchApp(options, routes);
  const reporting = async (request: Request): Promise<unknown> => {
    try {
      return await handler(request);
    } catch (error) {
      reported.push(error);
      throw error;
    }
  };
  return { handler: reporting, sessions, errors: reported };
}
