import type { EventEmitter } from "node:events";
import { builtinModule } from "../leaves/builtin.js";

interface Context {
  run<T>(store: object, work: () => T): T;
  getStore(): object | undefined;
  disable(): void;
}

type AsyncHooks = { AsyncLocalStorage: new () => Context };

/** Which error path is running, also across what it waits for. Made for the first failure, and off while nothing fails. */
let context: Context | undefined;
const running = new Set<ErrorPath>();

/**
 * Who may answer once a save has failed: the error path alone. The handler may still be writing its own answer at the same response, and
 * neither status nor body tells the two apart. So what the error path does is followed, also across what it waits for.
 */
export class ErrorPath {
  #isOver = false;

  /** Runs the error path. What it listens to at these emitters meanwhile belongs to it, whoever emits it. */
  run(work: () => void, emitters: readonly EventEmitter[]): void {
    context ??= newContext();
    running.add(this);
    if (!context) return work();
    const restore = emitters.map((emitter) => bindListeners(emitter, context!, this));
    try {
      context.run(this, work);
    } finally {
      for (const one of restore) one();
    }
  }

  /** Whether the running code belongs to the error path. */
  get isRunning(): boolean {
    return !this.#isOver && (context === undefined || context.getStore() === this);
  }

  /** The response is over. Following costs time in each promise: it stops where no other failure is being answered. */
  end(): void {
    this.#isOver = true;
    if (running.delete(this) && running.size === 0) context?.disable();
  }
}

type Listener = (...args: any[]) => void;

/** Some wait for the end of the request before they answer: its events come from elsewhere. Returns what undoes it. */
function bindListeners(emitter: EventEmitter, context: Context, path: ErrorPath): () => void {
  const { on, addListener } = emitter;
  const isOwn = Object.hasOwn(emitter, "on");
  const bound = function (this: EventEmitter, event: string | symbol, listener: Listener): EventEmitter {
    const inContext = function (this: unknown, ...args: unknown[]): void {
      context.run(path, () => Reflect.apply(listener, this, args));
    };
    // By this, `removeListener` finds it.
    return Reflect.apply(on, this, [event, Object.assign(inContext, { listener: (listener as { listener?: Listener }).listener ?? listener })]);
  };
  Object.assign(emitter, { on: bound, addListener: bound });
  return () => {
    Object.assign(emitter, { on, addListener });
    if (!isOwn) for (const name of ["on", "addListener"] as const) delete (emitter as Partial<EventEmitter>)[name];
  };
}

function newContext(): Context | undefined {
  const hooks = builtinModule<AsyncHooks>("node:async_hooks");
  return hooks && new hooks.AsyncLocalStorage();
}
