import express5, { type NextFunction, type Request, type Response } from "express";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { session } from "holdfast/express";
import type { Data } from "../handler.js";
import { optionsFor } from "../mounting.js";
import { nodePath, nodeVisit } from "./node.js";
import { listening, type Adapter } from "./types.js";

const express4 = createRequire(import.meta.url)("express4") as typeof express5;

const down = (_req: Request, res: Response): void => void res.status(503).type("text").send("down");

function adapter(name: string, express: typeof express5): Adapter {
  return {
    name,
    build(mountings, handle) {
      const all = mountings.map((mounting) => ({
        ...mounting,
        sessions: session<Data>(optionsFor(mounting, nodePath, down)),
      }));
      const innermost = all.at(-1)!.sessions;
      const app = express();
      for (const { sessions, isMounted, route } of all) {
        if (isMounted && route !== undefined) app.all(route, sessions);
        else if (isMounted) app.use(sessions);
      }
      app.use((req: Request, res: Response, next: NextFunction) => {
        handle(nodeVisit(req, res, innermost)).then((reply) => {
          if (!reply) return next();
          for (const [field, value] of reply.headers) res.append(field, value);
          res.status(reply.status).send(reply.body);
        }, next);
      });
      return { store: all[0]!.sessions.store, listen: () => listening(createServer(app)) };
    },
  };
}

export const express: Adapter = adapter("express", express5);
export const expressFour: Adapter = adapter("express4", express4);
