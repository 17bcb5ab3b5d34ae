import type { ServerResponse } from "node:http";
import type { EventEmitter } from "node:events";
import { builtinModule } from "../util/builtin.js";
import { isHttp2 } from "./response-arguments.js";

/**
 * Delays the destruction of a response, or of its connection, while its bytes are held: without a session, Node would
 * have sent them before.
 */
export class DelayedDestroy {
  readonly #res: ServerResponse;
  #guarded: Connection | undefined = undefined;
  #destroying: (() => void) | undefined = undefined;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  /** From now on, closing the connection is delayed until the bytes are sent; on HTTP/2 also those of a part. */
  guard(): void {
    if (this.#guarded) return;
    this.#guarded = connectionOf(this.#res);
    if (this.#guarded) postponeDestroy(this.#guarded);
  }

  /** The response was destroyed while a part of its body is held: destroys it after that part is sent. */
  postpone(destroy: () => void): void {
    this.#destroying ??= destroy;
  }

  /** The bytes are sent: performs what was delayed. */
  allow(): void {
    const guarded = this.#guarded;
    const destroy = this.#destroying;
    this.#guarded = this.#destroying = undefined;
    if (guarded) allowDestroy(guarded);
    destroy?.();
  }

  /** The bytes were discarded: a connection that the handler closed is closed after the error response. */
  allowAfterError(): void {
    const guarded = this.#guarded;
    this.#guarded = this.#destroying = undefined;
    const close = guarded && takeDestroy(guarded);
    if (close) this.#res.once("close", close);
  }
}

/**
 * Lets an ended response look ended to its handler. An object that replaces a response must not look ended, because
 * its bytes are not complete yet. Returns true if the response now looks ended.
 */
export function lookEnded(res: ServerResponse): boolean {
  if (!socketOf(res)) return false;
  if (Object.hasOwn(res, "finished")) res.finished = true;
  return true;
}

/** Lets the response look as if it had not ended. */
export function lookOpen(res: ServerResponse): void {
  if (socketOf(res) && Object.hasOwn(res, "finished")) res.finished = false;
}

/** The methods that close a connection. */
const WAYS = ["destroy", "destroySoon", "end"] as const;

type Way = (typeof WAYS)[number];

/** A connection that can be closed, or an HTTP/2 stream. */
export type Connection = EventEmitter &
  Record<Way, (...args: unknown[]) => unknown> & {
    readonly destroyed?: boolean;
    readonly writableLength?: number;
    readonly closed?: boolean;
    readonly session?: { readonly destroyed?: boolean };
  };

interface Guard {
  /** Number of responses that were ended and are not sent yet. */
  waiting: number;
  /** Delayed calls that close the connection, in order. */
  wanted: { readonly way: Way; readonly args: unknown[] }[];
}

const guards = new WeakMap<object, Guard>();
let Socket: (new () => Connection) | undefined;

/**
 * Returns the connection of a response that a Node server sends over HTTP/1.
 *
 * @param res - the response
 * @returns its connection; undefined for a replacement object, which has none
 * @example
 * ```ts
 * const isSimulated = socketOf(reply.raw) === undefined;
 * ```
 */
export function socketOf(res: ServerResponse): Connection | undefined {
  if (isHttp2(res)) return undefined;
  const socket: unknown = (res.req as ServerResponse["req"] | undefined)?.socket ?? res.socket;
  Socket ??= builtinModule<{ Socket: new () => Connection }>("node:net")?.Socket;
  return Socket && socket instanceof Socket ? socket : undefined;
}

/** Returns the object whose closing aborts a response: on HTTP/2 its stream. */
export function connectionOf(res: ServerResponse): Connection | undefined {
  if (!isHttp2(res)) return socketOf(res);
  return (res as { stream?: Connection | null }).stream ?? undefined;
}

/**
 * A response was ended, and is not sent yet. An error handler that finds it ended closes the connection; without a
 * session Node would have passed the bytes to the operating system, so the client would get them. So closing is
 * delayed until they are sent.
 */
export function postponeDestroy(socket: Connection): void {
  const guard = guards.get(socket) ?? newGuard(socket);
  guard.waiting++;
}

/** The bytes are sent: closes the connection if that was delayed. HTTP/2 streams send parts one after the other. */
export function allowDestroy(socket: Connection): void {
  const guard = guards.get(socket);
  if (guard && isStream(socket) && guard.wanted.length > 0 && socket.writableLength! > 0)
    setImmediate(() => close(socket, guard));
  else if (guard) close(socket, guard);
}

function close(socket: Connection, guard: Guard): void {
  if (--guard.waiting === 0) closeAs(socket, guard.wanted.splice(0));
}

function closeAs(socket: Connection, wanted: Guard["wanted"]): void {
  for (const { way, args } of wanted) socket[way](...args);
}

/**
 * The bytes will not be sent, others will: nothing is delayed any more. Returns a function that performs the delayed
 * calls.
 */
export function takeDestroy(socket: Connection): (() => void) | undefined {
  const guard = guards.get(socket);
  if (!guard || --guard.waiting > 0 || guard.wanted.length === 0) return undefined;
  const wanted = guard.wanted.splice(0);
  return () => closeAs(socket, wanted);
}

/** A connection serves many requests: its replaced methods stay. */
function newGuard(socket: Connection): Guard {
  const guard: Guard = { waiting: 0, wanted: [] };
  guards.set(socket, guard);
  // Node ends an HTTP/2 stream with the response.
  for (const way of isStream(socket) ? (["destroy"] as const) : WAYS) {
    const close = socket[way];
    if (typeof close !== "function") continue;
    socket[way] = function (this: Connection, ...args) {
      if (guard.waiting === 0 || isBroken(socket) || isOfSystem(args[0])) return Reflect.apply(close, this, args);
      guard.wanted.push({ way, args });
      return this;
    };
  }
  return guard;
}

/** True for an error of the connection itself. */
function isOfSystem(error: unknown): boolean {
  return (error as { syscall?: unknown } | undefined)?.syscall !== undefined;
}

function isStream(connection: Connection): boolean {
  return "session" in connection;
}

/** True if nothing can be sent any more: the client has disconnected, or the server is closing. */
function isBroken(connection: Connection): boolean {
  return isStream(connection) && (connection.closed === true || connection.session?.destroyed !== false);
}
