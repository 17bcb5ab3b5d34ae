import { createRequire } from "node:module";
import { join } from "node:path";

interface Npm {
  fromNpm(packages: Record<string, string>): string;
}

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;

/** Servers and clients of sockets, for the tests that need them alone. */
const PACKAGES = {
  ws: "8.23.0",
  "express-ws": "5.0.2",
  express: "5.3.0",
  "socket.io": "4.8.4",
  "socket.io-client": "4.8.4",
  fastify: "5.12.8",
  "@fastify/websocket": "11.3.7",
};

/** The directory whose `node_modules` has them. */
export const socketPackages: string = fromNpm(PACKAGES);

/** What @hono/node-ws wants is older than what the other tests have. */
const NODE_WS = { "@hono/node-ws": "1.3.1", "@hono/node-server": "1.19.19", hono: "4.13.19" };

/** `@hono/node-ws`, and the server that it wants. */
export function nodeWsPackages(): { createNodeWebSocket: any; createAdaptorServer: any } {
  const loadOlder = createRequire(join(fromNpm(NODE_WS), "_.js"));
  const { createNodeWebSocket } = loadOlder("@hono/node-ws") as Record<string, unknown>;
  const { createAdaptorServer } = loadOlder("@hono/node-server") as Record<string, unknown>;
  return { createNodeWebSocket, createAdaptorServer };
}

const load = createRequire(join(socketPackages, "_.js"));

/** One of these packages, as it is: they bring no types of their own, or those of another copy. */
export const socketPackage = (name: keyof typeof PACKAGES): any => load(name);
