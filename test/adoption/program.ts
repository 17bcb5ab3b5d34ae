import type { Server } from "node:http";
import type { Client } from "./client.js";
import type { Fault } from "./stores.js";

/** A handler of Express, as its users write it. */
export type Handler = (req: any, res: any, next: (error?: unknown) => void, kit: Kit) => unknown;

/** What a handler may use beside request and response. */
export interface Kit {
  /** Observed, and compared. */
  readonly note: (text: unknown) => void;
  /** Waits until `open(name)`, in another request or by the client. */
  readonly gate: (name: string) => Promise<void>;
  readonly open: (name: string) => void;
  /** What the middleware was given as `store`; undefined on the storage. */
  readonly store: any;
  /** Where a second middleware keeps its sessions: options. */
  readonly elsewhere: Readonly<Record<string, unknown>>;
  /** The function that makes the middleware, with its classes. */
  readonly session: any;
  /** The middleware. */
  readonly middleware: any;
  /** Values that handlers and the client pass to each other. */
  readonly shared: Record<string, unknown>;
  /** Is called when the program has been played. */
  readonly onEnd: (act: () => void) => void;
}

/** One program, written for express-session. */
export interface Program {
  readonly name: string;
  /** Options of the middleware; what is not named is `secret`, `resave: false`, `saveUninitialized: false`. */
  readonly options?: Readonly<Record<string, unknown>> | (() => Record<string, unknown>);
  /** Handlers by path. */
  readonly routes?: Readonly<Record<string, Handler>>;
  /** Mounted before the session. */
  readonly before?: readonly Handler[];
  /** Builds the application further, after the session. */
  readonly app?: (app: any, kit: Kit) => void | Promise<void>;
  /** Adds to the server that listens: sockets. */
  readonly attach?: (server: Server, kit: Kit) => void;
  /** What is random in it, and not compared. */
  readonly hides?: RegExp;
  /** Settings of Express. */
  readonly set?: Readonly<Record<string, unknown>>;
  /** Changes the store before the middleware is made; not on the storage. */
  readonly prepare?: (store: any) => void;
  /** What the client does. */
  readonly visit: (client: Client) => Promise<void>;
  /** How the store, or the storage, fails from the start. */
  readonly faults?: Readonly<Record<string, Fault>>;
  /** No storage: it is about what a connect store does. */
  readonly isAboutStores?: boolean;
  /** Without any store: the memory of the middleware itself. */
  readonly inMemory?: boolean;
  /** express-session never responds to a request of it: its response is not waited for as long as ours. */
  readonly isEndless?: boolean;
  /** Threads of express-session's issues that tell of it. */
  readonly issues?: string;
}

/** Where a program runs. */
export type Side = "express-session" | "store" | "storage";

/** One observation. */
export interface Note {
  readonly step: string;
  readonly field: string;
  readonly value: string;
}

/** Text of a value that does not depend on the order of keys. */
export function stable(value: unknown): string {
  return (
    JSON.stringify(value, (_key, one: unknown) =>
      one && typeof one === "object" && !Array.isArray(one)
        ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : one,
    ) ?? "undefined"
  );
}

/** Answers what the session holds, cookie included. */
export const read: Handler = (req, res) => res.end(stable(req.session ?? null));
/** Does nothing with the session. */
export const none: Handler = (_req, res) => res.end("none");
/** Counts in the session. */
export const count: Handler = (req, res) => {
  req.session.n = (req.session.n ?? 0) + 1;
  res.end(`n ${req.session.n}`);
};
/** Answers data alone. */
export const data: Handler = (req, res) => {
  const { cookie: _cookie, ...rest } = req.session ?? {};
  res.end(stable(rest));
};
/** Routes that most programs have. */
export const BASICS: Readonly<Record<string, Handler>> = {
  "/read": read,
  "/none": none,
  "/count": count,
  "/data": data,
};
