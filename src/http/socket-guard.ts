import type { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { builtinModule } from "../util/builtin.js";
import { isHttp2 } from "./response-arguments.js";

/** The ways to close a connection. */
const WAYS = ["destroy", "destroySoon", "end"] as const;

type Way = (typeof WAYS)[number];

/** A connection that can be closed, or a stream of HTTP/2. */
export type Connection = EventEmitter &
  Record<Way, (...args: unknown[]) => unknown> & {
    readonly destroyed?: boolean;
    readonly writableLength?: number;
    readonly closed?: boolean;
    readonly session?: { readonly destroyed?: boolean };
  };

interface Guard {
  /** Answers that were ended and are not sent yet. */
  waiting: number;
  /** How it was to be closed meanwhile, in order. */
  wanted: { readonly way: Way; readonly args: unknown[] }[];
}

const guards = new WeakMap<object, Guard>();
let Socket: (new () => Connection) | undefined;

/** The connection of a response that a server of Node's own sends over HTTP/1; a stand-in has none. */
export function socketOf(res: ServerResponse): Connection | undefined {
  if (isHttp2(res)) return undefined;
  const socket: unknown = (res.req as ServerResponse["req"] | undefined)?.socket ?? res.socket;
  Socket ??= builtinModule<{ Socket: new () => Connection }>("node:net")?.Socket;
  return Socket && socket instanceof Socket ? socket : undefined;
}

/** What closing breaks an answer off: over HTTP/2 its stream. */
export function connectionOf(res: ServerResponse): Connection | undefined {
  if (!isHttp2(res)) return socketOf(res);
  return (res as { stream?: Connection | null }).stream ?? undefined;
}

/**
 * An answer was ended, and is not sent yet. An error handler that finds it ended closes the connection; Node has
 * given the bytes to the system by then, so the client gets them. So closing waits until they are out.
 */
export function postponeDestroy(socket: Connection): void {
  const guard = guards.get(socket) ?? newGuard(socket);
  guard.waiting++;
}

/**
 * The bytes are out: a connection that was to be closed meanwhile is closed. A stream of HTTP/2 takes pieces that
 * come at once one after the other.
 */
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
 * The bytes will not go out, others do: nothing is postponed any more. Returns what closes the connection as it was
 * to be closed.
 */
export function takeDestroy(socket: Connection): (() => void) | undefined {
  const guard = guards.get(socket);
  if (!guard || --guard.waiting > 0 || guard.wanted.length === 0) return undefined;
  const wanted = guard.wanted.splice(0);
  return () => closeAs(socket, wanted);
}

/** A connection serves many requests: its functions stay. */
function newGuard(socket: Connection): Guard {
  const guard: Guard = { waiting: 0, wanted: [] };
  guards.set(socket, guard);
  // Node ends a stream of HTTP/2 with the answer.
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

/** The connection broke. */
function isOfSystem(error: unknown): boolean {
  return (error as { syscall?: unknown } | undefined)?.syscall !== undefined;
}

function isStream(connection: Connection): boolean {
  return "session" in connection;
}

/** Whether nobody can be sent anything any more: the client has left, or the server closes all. */
function isBroken(connection: Connection): boolean {
  return isStream(connection) && (connection.closed === true || connection.session?.destroyed !== false);
}
