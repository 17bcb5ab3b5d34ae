import type { EventEmitter } from "node:events";
import { builtinModule } from "../util/builtin.js";

interface Context {
  run<T>(store: object, work: () => T): T;
  getStore(): object | undefined;
  disable(): void;
}

type AsyncHooks = { AsyncLocalStorage: new () => Context };

/**
 * The running error path, also in its asynchronous continuations. Created at the first failure, and disabled while
 * there is no failure.
 */
let context: Context | undefined;
const running = new Set<ErrorPath>();

/**
 * After a failed save, only the error path may send a response. The handler may still write its own response to the
 * same object, and neither status nor body distinguishes the two. So the code of the error path is tracked, including
 * its asynchronous continuations.
 */
export class ErrorPath {
  #isOver = false;
  #emitters: readonly EventEmitter[] = [];

  /**
   * Runs the error path. Listeners that it adds to these emitters, now or later, belong to it, whatever emits the
   * event.
   */
  run(work: () => void, emitters: readonly EventEmitter[]): void {
    context ??= newContext();
    running.add(this);
    if (!context) return work();
    this.#emitters = emitters;
    for (const emitter of emitters) follow(emitter);
    context.run(this, work);
  }

  /** True if the running code belongs to the error path. */
  get isRunning(): boolean {
    return !this.#isOver && (context === undefined || context.getStore() === this);
  }

  /** Calls a listener that the error path has added. */
  call(listener: Listener, emitter: unknown, args: readonly unknown[]): void {
    if (this.#isOver) Reflect.apply(listener, emitter, args);
    else context!.run(this, () => Reflect.apply(listener, emitter, args));
  }

  /** The response has ended. Tracking makes every promise slower: it stops if no other failure is being handled. */
  end(): void {
    this.#isOver = true;
    for (const emitter of this.#emitters) unfollow(emitter);
    this.#emitters = [];
    if (running.delete(this) && running.size === 0) stopFollowing();
  }
}

/**
 * Runs code that belongs to the discarded response, so that its effects are ignored.
 *
 * @param work - the code
 * @example
 * ```ts
 * asDropped(() => void (ctx.body = undefined));
 * ```
 */
export function asDropped(work: () => void): void {
  if (context) context.run(DROPPED, work);
  else work();
}

const DROPPED = {};

type Listener = (...args: any[]) => void;

/** Number of error paths that track an emitter, and a function that restores it. A connection may have several. */
const followed = new WeakMap<EventEmitter, { count: number; readonly restore: () => void }>();

/** Some error paths wait for the end of the request before they respond: its events come from elsewhere. */
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

/** Returns a function that restores the emitter. */
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

/** `removeListener` finds it by its property `listener`. */
function following(path: ErrorPath, listener: Listener): Listener {
  const call = function (this: unknown, ...args: unknown[]): void {
    path.call(listener, this, args);
  };
  return Object.assign(call, { listener: (listener as { listener?: Listener }).listener ?? listener });
}

/** In workerd, `disable` throws. */
function stopFollowing(): void {
  try {
    context?.disable();
  } catch {}
}

function newContext(): Context | undefined {
  const hooks = builtinModule<AsyncHooks>("node:async_hooks");
  return hooks && new hooks.AsyncLocalStorage();
}
