import { connect } from "./apps/connect.js";
import { express, expressFour } from "./apps/express.js";
import { fastify } from "./apps/fastify-plain.js";
import { fetchAdapter } from "./apps/fetch.js";
import { hono } from "./apps/hono.js";
import { koa } from "./apps/koa.js";
import { node } from "./apps/node.js";
import type { Adapter, AdapterName, App, AppOptions, Routes } from "./apps/types.js";

export type * from "./apps/types.js";
export { reported } from "./apps/serving.js";

/** Every adapter, with what the harness needs to serve it. */
export const ADAPTERS: readonly Adapter[] = [node, connect, express, expressFour, fetchAdapter, fastify, koa, hono];

/** Starts a server of one adapter from a description of its handlers that is the same for all. */
export function startApp(name: AdapterName, options: AppOptions, routes: Routes): Promise<App> {
  return adapterNamed(name).start(options, routes);
}

/** The adapter of a name. */
export function adapterNamed(name: AdapterName): Adapter {
  return ADAPTERS.find((adapter) => adapter.name === name)!;
}
