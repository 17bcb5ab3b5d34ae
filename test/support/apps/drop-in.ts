import express5, { type NextFunction, type Request, type Response } from "express";
import { createServer } from "node:http";
import { withAccess } from "#dist/adapters/adapter-core.js";
import { nodeOpeners } from "#dist/adapters/node-adapter.js";
import { dropInSettings } from "#dist/express-session/dropin-options.js";
import { overProperties as middlewareOf } from "#dist/express-session/storage-middleware.js";
import { requestSettings } from "#dist/session/request-options.js";
import * as entry from "holdfast/express";
import { hasProperties, overProperties } from "../over-properties.js";
import { express } from "./express.js";
import { NodeHandle } from "./node-handle.js";
import { listening, logged, mountedOf, optionsOf, statusOf } from "./serving.js";
import type { Adapter, App, AppOptions, Data, Routes } from "./types.js";

/**
 * The drop-in for express-session with a storage: handlers change plain properties. The middleware is that of the
 * drop-in, with the request settings of each application, so that tokens and cookies are those of its options.
 */
const settings = dropInSettings({ secret: "unused", resave: false, saveUninitialized: false });

class PropertiesHandle extends NodeHandle {
  override get session(): entry.Session<Data> {
    const { req } = this.native;
    return hasProperties(req) ? overProperties(req) : entry.getSession<Data>(req);
  }

  override async loadSession(): Promise<entry.Session<Data>> {
    const session = await super.loadSession();
    return hasProperties(this.native.req) ? overProperties(this.native.req) : session;
  }

  override answer(reply: Parameters<NodeHandle["answer"]>[0]): void {
    const res = this.native.res as Response;
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
}

async function start(options: AppOptions, routes: Routes): Promise<App> {
  const sessions = optionsOf(options).map((one) => {
    const request = requestSettings([one]);
    return withAccess<Data, any, any, any>(request, middlewareOf(settings, request), nodeOpeners(request));
  });
  const errors: unknown[] = [];
  const app = express5();
  const handleOf = (req: Request, res: Response): PropertiesHandle => new PropertiesHandle(entry, sessions, req, res);
  app.use((req, res, next) => (logged(options, res, () => handleOf(req, res)), next()));
  if (options.crossOrigin) app.use(entry.crossOriginProtection(options.crossOrigin));
  if (options.parsesForms) app.use(express5.urlencoded({ extended: false }));
  for (const one of mountedOf(options, sessions)) app.use(one);
  const { guard, errorPage } = options;
  if (guard)
    app.use((req, res, next) => (guard(handleOf(req, res)) ? next() : void res.status(401).send("who are you?")));
  for (const [path, handler] of Object.entries(routes))
    app.all(path, (req, res) => handler(handleOf(req, res)) as void);
  app.use((error: unknown, req: Request, res: Response, next: NextFunction) => {
    errors.push(error);
    if (!errorPage) return next(error);
    res.status(statusOf(error)).send(errorPage(handleOf(req, res), error));
  });
  return listening(createServer(app), sessions, errors);
}

/** Express, with the drop-in in the place of its adapter. */
export const dropIn: Adapter = { ...express, start };
