import type { EventEmitter } from "node:events";
import { builtinModule } from "../util/builtin.js";

interface Context {
  run<T>(store: object, work: () => T): T;
  getStore(): object | undefined;
  disable(): void;
}

type AsyncHooks = { AsyncLocalStorage: new () => Context };

/**
 * Which error path is running, also across what it waits for. Made for the first failure, and off while nothing
 * fails.
 */
let context: Context | undefined;
const running = new Set<ErrorPath>();

/**
 * Who may answer once a save has failed: the error path alone. The handler may still be writing its own answer at the
 * same response, and neither status nor body tells the two apart. So what the error path does is followed, also
 * across what it waits for.
 */
export class ErrorPath {
  #isOver = false;
  #emitters: readonly EventEmitter[] = [];

  /** Runs the error path. What it listens to at these emitters, now or later, belongs to it, whoever emits it. */
  run(work: () => void, emitters: readonly EventEmitter[]): void {
    context ??= newContext();
    running.add(this);
    if (!context) return work();
    this.#emitters = emitters;
    for (const emitter of emitters) follow(emitter);
    context.run(this, work);
  }

  /** Whether the running code belongs to the error path. */
  get isRunning(): boolean {
    return !this.#isOver && (context === undefined || context.getStore() === this);
  }

  /** Calls a listener that the error path has added. */
  call(listener: Listener, emitter: unknown, args: readonly unknown[]): void {
    if (this.#isOver) Reflect.apply(listener, emitter, args);
    else context!.run(this, () => Reflect.apply(listener, emitter, args));
  }

  /**
   * The response is over. Following costs time in each promise: it stops where no other failure is being answered.
   */
  end(): void {
    this.#isOver = true;
    for (const emitter of this.#emitters) unfollow(emitter);
    this.#emitters = [];
    if (running.delete(this) && running.size === 0) stopFollowing();
  }
}

/** Does what belongs to the answer that was dropped, so that what comes of it changes nothing. */
export function asDropped(work: () => void): void {
  if (context) context.run(DROPPED, work);
  else work();
}

const DROPPED = {};

type Listener = (...args: any[]) => void;

/** How many error paths follow an emitter, and what undoes it. A connection may have several. */
const followed = new WeakMap<EventEmitter, { count: number; readonly restore: () => void }>();

/** Some wait for the end of the request before they answer: its events come from elsewhere. */
function follow(emitter: EventEmitter): void {
  const known = followed.get(emitter);
  if (known) known.count++;
  else followed.set(emitter, { count: 1, restore: bindListeners(emitter) });
}

function unfollow(emitter: EventEmitter): void {
  const known = followed.get(emitter);
  if (!known || --known.count > 0) return;
  followed.delete(emitter);
  known.restore();
}

/** Returns what undoes it. */
function bindListeners(emitter: EventEmitter): () => void {
  const { on, addListener } = emitter;
  const isOwn = Object.hasOwn(emitter, "on");
  const bound = function (this: EventEmitter, event: string | symbol, listener: Listener): EventEmitter {
    const path = context?.getStore();
    const isFollowed = path instanceof ErrorPath && running.has(path) && typeof listener === "function";
    return Reflect.apply(on, this, [event, isFollowed ? following(path, listener) : listener]);
  };
  Object.assign(emitter, { on: bound, addListener: bound });
  return () => {
    if (emitter.on !== bound) return;
    Object.assign(emitter, { on, addListener });
    if (!isOwn) for (const name of ["on", "addListener"] as const) delete (emitter as Partial<EventEmitter>)[name];
  };
}

/** By its `listener` `removeListener` finds it. */
function following(path: ErrorPath, listener: Listener): Listener {
  const call = function (this: unknown, ...args: unknown[]): void {
    path.call(listener, this, args);
  };
  return Object.assign(call, { listener: (listener as { listener?: Listener }).listener ?? listener });
}

/** workerd cannot: `disable` throws there. */
function stopFollowing(): void {
  try {
    context?.disable();
  } catch {}
}

function newContext(): Context | undefined {
  const hooks = builtinModule<AsyncHooks>("node:async_hooks");
  return hooks && new hooks.AsyncLocalStorage();
}
