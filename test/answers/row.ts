import type { RequestListener, Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { Asked, Wire } from "./wire.js";

/** `http2` is connect on an HTTP/2 server; `fetch` is a plain fetch handler behind @hono/node-server. */
export const FRAMEWORKS = [
  "node",
  "http2",
  "connect",
  "express",
  "express4",
  "koa",
  "fastify",
  "hono",
  "fetch",
] as const;

export type Framework = (typeof FRAMEWORKS)[number];

/** What serves the requests of a cell. Functions get a server of their own; `close` ends what else was started. */
export type App = RequestListener | Server | Http2Server;

/** What a row's program is given. */
export interface Stage {
  readonly framework: Framework;
  /**
   * What stands in the session's place, as the framework wants it: a middleware for connect, Express, Koa and Hono, a
   * plugin for Fastify, a wrapper of the handler for node and fetch. In the bare column it does nothing.
   */
  readonly session: any;
  /**
   * Does to the session of a request (the framework's own context) what the column says, nothing in some; always
   * answers "seen".
   */
  touch(context: object): "seen";
  /** Reads the session of a request, in every column that has one. */
  look(context: object): void;
  /** Observes something that has to be the same in every column. The order does not count, the number does. */
  note(what: string, value?: unknown): void;
  /** A callback that notes each call, and whether it was given an error. */
  callback(name: string): (error?: unknown) => void;
  /** Does something later; the cell does not end before. */
  later(ms: number, act: () => unknown): void;
  /** Ends with the cell. */
  onEnd(act: () => unknown): void;
}

/** One way to answer. */
export interface Row {
  /** Says what the program does; unique. */
  readonly name: string;
  /** The number of the fault it shows, where there is one. */
  readonly fault?: string;
  readonly on: readonly Framework[];
  /**
   * Makes the program: `stage.session` mounted in its place, `stage.touch(context)` where the program uses the
   * session.
   */
  app(stage: Stage): App | Promise<App>;
  /** The request, where it is not `GET /`. */
  readonly asked?: Asked;
  /** What the client does, where one request and the next one on the same connection are not it. Not on HTTP/2. */
  readonly ask?: (wire: Wire) => Promise<void>;
  /** The bare program never ends this answer. It need not be said; it saves a long wait. */
  readonly isEndless?: boolean;
  /**
   * What a failed save leads to. `error path` (default): what the error path of the program answers. `last resort`:
   * the same, or the framework's own 503, for the program's error handlers have run already. `nothing`: nothing of
   * the answer is seen, for the program breaks the connection itself. `as bare`: the session is used too late for an
   * error page.
   */
  readonly whenSaveFails?: "error path" | "last resort" | "nothing" | "as bare";
  /**
   * The client hangs up while the program answers: how much was written by then, and what the program is told of it,
   * is nobody's promise.
   */
  readonly isRace?: boolean;
  /** Headers whose values differ from run to run (an id, a time). */
  readonly volatile?: readonly string[];
  /** Only `npm run answers` plays it: another row shows nearly the same. */
  readonly isLong?: boolean;
  /** Changes what the whole process uses (prototypes): its process serves no other row. */
  readonly spoils?: boolean;
}

/** What a handler of Node's own request and response is given. */
export interface Io {
  /** Rows give both everything, also what their types refuse. */
  readonly req: any;

  readonly res: any;
  /** Hands on to the framework; there is none on `node`, where an error is thrown. */
  readonly next: (error?: unknown) => void;
  touch(): "seen";
  note: Stage["note"];
  callback: Stage["callback"];
  later: Stage["later"];
  readonly stage: Stage;
}

export type Options = Omit<Row, "name" | "app" | "on"> & { readonly on?: readonly Framework[] };
