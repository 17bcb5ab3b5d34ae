import { createServer, type RequestListener } from "node:http";
import express from "express";
import session, { type DropInOptions } from "holdfast/express-session";
import type { SessionEvent } from "holdfast";
import { Client } from "../support/client.js";
import { watched, type WatchedStorage } from "../support/storages.js";

/** A request, as handlers of these tests see it: what it has is tested, not declared. */
export type Req = any;
export type Res = any;
export type Handler = (req: Req, res: Res, next: (error?: unknown) => void) => unknown;

/** The name of the cookie where nothing else is configured. */
export const COOKIE = "connect.sid";
export const SECRET = "a secret of the tests";

/** A store for express-session whose calls can be replaced: it has one record for each id, as JSON. */
export type AnyStore = InstanceType<typeof session.MemoryStore> & Record<string, any>;

/** A running application, and what is around it. */
export interface Stage {
  readonly client: Client;
  newClient(): Client;
  readonly events: SessionEvent[];
  /** What reached the error handler of Express. */
  readonly errors: any[];
  readonly storage: WatchedStorage;
  readonly store: AnyStore;
}

/** The two kinds of places for sessions. */
export type Place = "storage" | "store";
export const PLACES: readonly Place[] = ["storage", "store"];

const cleanups: (() => Promise<void>)[] = [];

/** Ends every server that was started. */
export async function endAll(): Promise<void> {
  for (const cleanup of cleanups.splice(0)) await cleanup();
}

/** Starts an Express application with the drop-in and these routes. */
export async function stage(
  place: Place,
  routes: Record<string, Handler>,
  options: DropInOptions = {},
  before: Handler[] = [],
): Promise<Stage> {
  const storage = watched();
  const store = (options.store ?? new session.MemoryStore()) as AnyStore;
  const events: SessionEvent[] = [];
  const errors: unknown[] = [];
  const app = express();
  for (const one of before) app.use(one);
  app.use(
    session({
      secret: SECRET,
      resave: false,
      saveUninitialized: false,
      onEvent: (event) => events.push(event),
      ...(place === "storage" ? { storage } : { store }),
      ...options,
    }),
  );
  for (const [path, handler] of Object.entries(routes)) app.all(path, handler);
  app.use((error: any, _req: Req, res: Res, _next: unknown) => {
    errors.push(error);
    if (res.headersSent) return res.destroy();
    res.status(error.status ?? 500).send(error.code ?? error.message);
  });
  const origin = await serve(app);
  const newClient = (): Client => new Client(origin);
  return { client: newClient(), newClient, events, errors, storage, store };
}

/** Serves a listener on a free port, until the end of the test; returns its origin. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://localhost:${(server.address() as { port: number }).port}`;
}

/** Promise of something that is called once. */
export function signal(): { readonly promise: Promise<void>; readonly give: () => void } {
  let give!: () => void;
  const promise = new Promise<void>((resolve) => (give = resolve));
  return { promise, give };
}
