import makeConnect from "connect";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { session } from "holdfast/connect";
import type { Data } from "../handler.js";
import { optionsFor, routed } from "../mounting.js";
import { nodeDown, nodePath, nodeReply, nodeVisit } from "./node.js";
import { listening, type Adapter } from "./types.js";

type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

export const connect: Adapter = {
  name: "connect",
  build(mountings, handle) {
    const all = mountings.map((mounting) => ({
      ...mounting,
      sessions: session<Data>(optionsFor(mounting, nodePath, nodeDown)),
    }));
    const innermost = all.at(-1)!.sessions;
    const app = makeConnect();
    for (const { sessions, isMounted, route } of all)
      if (isMounted) app.use(route === undefined ? sessions : onRoute(route, sessions));
    app.use((req, res, next) => {
      handle(nodeVisit(req, res, innermost)).then((reply) => (reply ? nodeReply(res, reply) : next()), next);
    });
    return { store: all[0]!.sessions.store, listen: () => listening(createServer(app)) };
  },
};

/** What routers for connect do: parameters go to `req.params`. */
function onRoute(route: string, middleware: Middleware): Middleware {
  return (req, res, next) => {
    const params = routed(route, nodePath(req));
    if (!params) return next();
    Object.assign(req, { params });
    middleware(req, res, next);
  };
}
