import assert from "node:assert/strict";
import { test } from "node:test";
import express5, { type NextFunction, type Request, type Response } from "express";
import { createServer } from "node:http";
import { withAccess } from "#dist/adapters/adapter-core.js";
import { nodeOpeners } from "#dist/adapters/node-adapter.js";
import { dropInSettings } from "#dist/express-session/dropin-options.js";
import { overProperties as middlewareOf } from "#dist/express-session/storage-middleware.js";
import { requestSettings } from "#dist/session/request-options.js";
import * as entry from "holdfast/express";
import { mishaps } from "../adapters/hygiene.js";
import { NOT_EXPRESSIBLE } from "../adapters/not-expressible.js";
import { CASES, play } from "../adapters/suite.js";
import { express } from "../support/apps/express.js";
import { NodeHandle } from "../support/apps/node-handle.js";
import { listening, logged, mountedOf, optionsOf, statusOf } from "../support/apps/serving.js";
import type { Adapter, App, AppOptions, Data, Routes } from "../support/apps.js";
import { hasProperties, overProperties } from "../support/over-properties.js";

/**
 * The adapter suite, with handlers that change plain properties: the middleware is the one of the drop-in, with the
 * request settings of each case, so that tokens and cookies are those of the case.
 */
const settings = dropInSettings({ secret: "unused", resave: false, saveUninitialized: false });

const WRAPPER = "it compares objects, and the session of these handlers is a wrapper";
const ONE_SESSION = "as in express-session, a second middleware leaves the session of the first";

/** Cases of Express that mean something else, or nothing, with plain properties; each with the reason. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "attack 72: the first byte never leaves before the save: write, login, reset, logout, stream, redirect, 304, error page":
    "it writes the value that is there, which is no change of a property; test/express-session has it",
  "attack 72: regenerate, reset and a first write during the stream throw `answered`; destroy works":
    "assigning a property throws nothing",
  "changes by the producer of a body during the last save are saved too, or refused":
    "assigning a property throws nothing",
  "a callback passed to a session method throws immediately; so does assigning to an unknown property of a session":
    "callbacks and properties are what it is made for",
  "two session middlewares in sequence: both sessions are kept, both cookies sent; the free functions use the innermost":
    ONE_SESSION,
  "two session middlewares, one of them failing: a 503, and a cookie only if its session was stored": ONE_SESSION,
  "two session middlewares with the same cookie: an error that names both, on the first request": ONE_SESSION,
  "two middlewares, each run twice: each loads its session once, the free functions use the inner one": ONE_SESSION,
  "sessions.open under the middleware is the session of the request": WRAPPER,
  "the same middleware twice: the second run does nothing": WRAPPER,
  "assigning to the session throws and says what to write": "an object that is no session is refused at the end",
};

class PropertiesHandle extends NodeHandle {
  override get session(): entry.Session<Data> {
    const { req } = this.native;
    return hasProperties(req) ? overProperties(req) : entry.getSession<Data>(req);
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

const adapter: Adapter = { ...express, start };

for (const one of CASES) {
  const reason = DIFFERENT[one.name] ?? NOT_EXPRESSIBLE[one.name]?.express;
  test(one.name, { skip: reason ?? false }, () => play(one, adapter));
}

test("every difference names a case", () => {
  const names = new Set(CASES.map(({ name }) => name));
  assert.deepEqual(
    Object.keys(DIFFERENT).filter((name) => !names.has(name)),
    [],
  );
});

test("nothing was rejected unhandled, thrown uncaught or warned of during the suite", async () => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(mishaps, []);
});
