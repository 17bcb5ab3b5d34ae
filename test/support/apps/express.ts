import express5, { type NextFunction, type Request, type Response } from "express";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import * as entry from "holdfast/express";
import { handOn } from "./connect.js";
import { NodeHandle, nodeCookieWays } from "./node-handle.js";
import { node } from "./node.js";
import { listening, logged, mountedOf, optionsOf, statusOf } from "./serving.js";
import type { Adapter, AdapterName, App, AppOptions, Data, Handle, Routes } from "./types.js";

type Express = typeof express5;

const express4 = createRequire(import.meta.url)("express4") as Express;

async function start(make: Express, options: AppOptions, routes: Routes): Promise<App> {
  const sessions = optionsOf(options).map((one) => entry.session<Data>(one as entry.ExpressOptions));
  const errors: unknown[] = [];
  const app = make();
  const handleOf = (req: Request, res: Response): ExpressHandle => new ExpressHandle(entry, sessions, req, res);
  app.use((req, res, next) => (logged(options, res, () => handleOf(req, res)), next()));
  if (options.crossOrigin) app.use(entry.crossOriginProtection(options.crossOrigin));
  if (options.parsesForms) app.use(make.urlencoded({ extended: false }));
  for (const one of mountedOf(options, sessions)) app.use(one);
  const { guard, errorPage } = options;
  if (guard)
    app.use((req, res, next) => (guard(handleOf(req, res)) ? next() : void res.status(401).send("who are you?")));
  for (const [path, handler] of Object.entries(routes)) {
    app.all(
      path,
      (req, res, next) =>
        (make === express4 ? handOn(handler, handleOf(req, res), next) : handler(handleOf(req, res))) as void,
    );
  }
  app.use((error: unknown, req: Request, res: Response, next: NextFunction) => {
    errors.push(error);
    if (!errorPage) return next(error);
    res.status(statusOf(error)).send(errorPage(handleOf(req, res), error));
  });
  return listening(createServer(app), sessions, errors);
}

class ExpressHandle extends NodeHandle {
  override answer(reply: Parameters<Handle["answer"]>[0]): void {
    const { res } = this.native as unknown as { res: Response };
    res.status(reply.status ?? 200).set(reply.headers ?? {});
    if (reply.body === undefined) res.end();
    else res.send(reply.body);
  }

  override json(value: unknown): void {
    (this.native.res as Response).json(value);
  }

  override redirect(location: string): void {
    (this.native.res as Response).redirect(303, location);
  }

  override open(): ReturnType<NodeHandle["open"]> {
    return this.sessions[0].open(this.native.req);
  }
}

const way =
  (answer: (res: Response, name: string, value: string, line: string) => unknown) =>
  ({ native: { res } }: Handle, line: string): unknown => {
    const [name = "", value = ""] = line.split(";")[0]!.split("=");
    return answer(res as Response, name, value, line);
  };

function adapter(name: AdapterName, make: Express): Adapter {
  return {
    ...node,
    name,
    start: (options, routes) => start(make, options, routes),
    cookieWays: {
      ...nodeCookieWays,
      "res.cookie": way((res, own, value) => res.cookie(own, value).send("ok")),
      "res.append": way((res, _name, _value, line) => res.append("Set-Cookie", line).send("ok")),
      "res.set": way((res, _name, _value, line) => res.set("Set-Cookie", line).send("ok")),
      "res.set with a list": way((res, _name, _value, line) => res.set({ "Set-Cookie": [line] }).send("ok")),
      "res.cookie and res.json": way((res, own, value) => res.cookie(own, value).json("ok")),
      "res.cookie and sendStatus": way((res, own, value) => res.cookie(own, value).sendStatus(200)),
    },
  };
}

export const express: Adapter = adapter("express", express5);
export const expressFour: Adapter = adapter("express4", express4);
