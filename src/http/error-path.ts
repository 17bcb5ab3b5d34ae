import type { ServerResponse } from "node:http";
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
 * neither status nor body tells the two apart. So what the error path does is followed, also where it waits for something.
 */
export class ErrorPath {
  #admits: "error path" | "everybody" | "nobody" = "error path";

  /** Runs the error path. */
  run(work: () => void): void {
    context ??= newContext();
    running.add(this);
    if (context) context.run(this, work);
    else work();
  }

  /** Whether a call comes from the error path. One that lost its context is known by the status or the headers it has set. */
  admits(res: ServerResponse): boolean {
    if (this.#admits === "nobody") return false;
    if (this.#admits === "everybody" || context === undefined || context.getStore() === this) return true;
    if (res.headersSent || (res.statusCode === 200 && res.getHeaderNames().length === 0)) return false;
    this.#admits = "everybody";
    return true;
  }

  /** The response is over. Following costs time in each promise: it stops where no other failure is being answered. */
  end(): void {
    this.#admits = "nobody";
    if (running.delete(this) && running.size === 0) context?.disable();
  }
}

function newContext(): Context | undefined {
  const hooks = builtinModule<AsyncHooks>("node:async_hooks");
  return hooks && new hooks.AsyncLocalStorage();
}
