import type { Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { Session, SessionOptions, StoredSession } from "holdfast";
import type { CrossOriginOptions } from "holdfast/node";

export type AdapterName = "node" | "connect" | "express" | "express4" | "fetch" | "fastify" | "koa" | "hono";

/** Sessions of the suite hold anything. */
export type Data = Record<string, any>;

/** What a handler answers. */
export interface Reply {
  status?: number;
  body?: string;
  headers?: Record<string, string>;
}

/** Writes one piece of a streamed body. */
export type Write = (text: string) => Promise<void>;

/** One request, the same on every framework. What a handler returns is what the methods here answer. */
export interface Handle {
  /** What the framework hands to a handler. */
  readonly native: any;
  /** What `getSession` and `sessions.get` take. */
  readonly context: object;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** The session in the framework's own place. */
  readonly session: Session<Data>;
  /** Assigns to the framework's own place. */
  assignSession(value: unknown): void;
  getSession(): Session<Data>;
  loadSession(): Promise<Session<Data>>;
  findSession(): Session<Data> | undefined;
  /** Store pattern, with the first of the application's `sessions`. */
  open(): Promise<StoredSession<Data>>;
  /** The application's `sessions`, in the order in which they are mounted. */
  readonly sessions: readonly any[];
  answer(reply: Reply): unknown;
  /** Answers JSON in the framework's own way. */
  json(value: unknown): unknown;
  redirect(location: string): unknown;
  stream(produce: (write: Write) => Promise<void>, reply?: Reply): unknown;
  /** Reads the body itself. */
  readBody(): Promise<string>;
  /** What the framework parsed of a form. */
  parsedBody(): Promise<Record<string, unknown>>;
  /** Whether the framework thinks that the head was sent. */
  headersSent(): boolean;
}

export type Handler = (handle: Handle) => unknown;

/** Handlers by path; each answers every method. A path not listed is the framework's own 404. */
export type Routes = Record<string, Handler>;

export type AnyOptions = SessionOptions<any[], any>;

export interface AppOptions {
  /** One session middleware for each; `[]`: none. Default: one with default options. */
  sessions?: AnyOptions | readonly AnyOptions[];
  /** False: the middlewares are made and not mounted. */
  isMounted?: boolean;
  /** `crossOriginProtection` with these options is mounted before the sessions. */
  crossOrigin?: CrossOriginOptions;
  /** Each middleware is mounted this often, one after the other. Default: once. */
  times?: number;
  /** Whether the framework parses url-encoded forms, before the session. */
  parsesForms?: boolean;
  /** Stands behind the session, before the handlers; where it answers false the answer is a 401. */
  guard?: (handle: Handle) => boolean;
  /** Answers errors with this text and the status of the error, instead of the framework's own page. */
  errorPage?: (handle: Handle, error: unknown) => string;
  isHttp2?: boolean;
  /**
   * Listens on the answer of each request, from before the session on: called when all of it is sent, and when its
   * client is gone.
   */
  log?: (handle: Handle) => void;
}

/** A running server. */
export interface App {
  readonly port: number;
  readonly origin: string;
  readonly sessions: readonly any[];
  readonly server: Server | Http2Server;
  /** What reached the framework's error path. */
  readonly errors: readonly unknown[];
  close(): Promise<void>;
}

/** What the harness needs to know of an adapter. */
export interface Adapter {
  readonly name: AdapterName;
  /** Starts a server. */
  start(options: AppOptions, routes: Routes): Promise<App>;
  /** Ways in which a handler sets a cookie of its own and answers "ok"; the last argument is the Set-Cookie line. */
  readonly cookieWays: Readonly<Record<string, (handle: Handle, line: string) => unknown>>;
  /** Answers from within `errorHandler`, which is given the framework's context. */
  answerError(context: readonly any[], status: number, text: string): unknown;
  /** The path that `skip`, `storage` and `errorHandler` see in their context. */
  pathOf(context: readonly any[]): string;
  /** Opens the session of an upgrade request. */
  read(sessions: any, request: import("node:http").IncomingMessage): Promise<StoredSession<Data>>;
}
