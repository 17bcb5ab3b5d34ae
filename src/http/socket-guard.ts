import type { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { builtinModule } from "../leaves/builtin.js";
import { isHttp2 } from "./response-arguments.js";

/** The ways to close a connection. */
const WAYS = ["destroy", "destroySoon", "end"] as const;

type Way = (typeof WAYS)[number];
type Guarded = EventEmitter & Record<Way, (...args: unknown[]) => unknown>;

interface Guard {
  /** Answers that were ended and are not sent yet. */
  waiting: number;
  /** How it was to be closed meanwhile, in order. */
  wanted: { readonly way: Way; readonly args: unknown[] }[];
}

const guards = new WeakMap<object, Guard>();
let Socket: (new () => Guarded) | undefined;

/** The connection of a response that a server of Node's own sends over HTTP/1; a stand-in has none. */
export function socketOf(res: ServerResponse): Guarded | undefined {
  if (isHttp2(res)) return undefined;
  const socket: unknown = (res.req as ServerResponse["req"] | undefined)?.socket ?? res.socket;
  Socket ??= builtinModule<{ Socket: new () => Guarded }>("node:net")?.Socket;
  return Socket && socket instanceof Socket ? socket : undefined;
}

/**
 * An answer was ended, and is not sent yet. An error handler that finds it ended closes the connection; Node has given the bytes to the
 * system by then, so the client gets them. So closing waits until they are out.
 */
export function postponeDestroy(socket: Guarded): void {
  const guard = guards.get(socket) ?? newGuard(socket);
  guard.waiting++;
}

/** The bytes are out: a connection that was to be closed meanwhile is closed. */
export function allowDestroy(socket: Guarded): void {
  const guard = guards.get(socket);
  if (!guard || --guard.waiting > 0) return;
  for (const { way, args } of guard.wanted.splice(0)) socket[way](...args);
}

/** A connection serves many requests: its functions stay. */
function newGuard(socket: Guarded): Guard {
  const guard: Guard = { waiting: 0, wanted: [] };
  guards.set(socket, guard);
  for (const way of WAYS) {
    const close = socket[way];
    if (typeof close !== "function") continue;
    socket[way] = function (this: Guarded, ...args) {
      if (guard.waiting === 0) return Reflect.apply(close, this, args);
      guard.wanted.push({ way, args });
      return this;
    };
  }
  return guard;
}
