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

  /** Runs the error path. */
  run(work: () => void): void {
    context ??= newContext();
    running.add(this);
    if (context) context.run(this, work);
    else work();
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

function newContext(): Context | undefined {
  const hooks = builtinModule<AsyncHooks>("node:async_hooks");
  return hooks && new hooks.AsyncLocalStorage();
}
