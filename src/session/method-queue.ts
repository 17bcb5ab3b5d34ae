import type { Awaitable } from "../contracts/storage.js";
import { callerOf, calledBy } from "../errors.js";

/**
 * The promise of a lifecycle method. It records whether anything waits for it: a failure that no caller would see
 * becomes the failure of the request.
 */
class MethodPromise<T> extends Promise<T> {
  isObserved = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise, and records here that a caller waits for it
  override then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isObserved = true;
    return super.then(fulfilled, rejected);
  }
}

/** A method call in progress, or one that failed: successful ones are removed. */
interface Running {
  readonly promise: MethodPromise<unknown>;
  failure: { readonly error: unknown } | undefined;
}

/** Runs the lifecycle methods of one session one after the other, and waits for them at the end of the request. */
export class MethodQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #running: Running[] = [];

  /** Starts a call after the earlier ones have completed. */
  run<T>(work: () => Awaitable<T>): Promise<T> {
    const result = this.#tail.then(work);
    const caller = callerOf(this.run);
    const promise = new MethodPromise<T>(
      (resolve, reject) => void result.then(resolve, (error: unknown) => reject(calledBy(error, caller))),
    );
    const running: Running = { promise, failure: undefined };
    this.#running.push(running);
    this.#tail = result.then(
      () => this.#forget(running),
      (error: unknown) => {
        running.failure = { error };
        if (promise.isObserved) this.#forget(running);
      },
    );
    void Promise.prototype.then.call(promise, undefined, () => {});
    return promise;
  }

  /** Returns a promise for a call that has taken effect already; it resolves after the earlier ones. */
  done(): Promise<void> {
    return this.#running.length === 0 ? Promise.resolve() : this.run(() => {});
  }

  /** True if a call is in progress, or failed and no caller waited for it. */
  get isUnsettled(): boolean {
    return this.#running.some(({ failure, promise }) => !failure || !promise.isObserved);
  }

  /** Waits for all calls; throws the error of one that was in progress, or that no caller waited for. */
  async settled(): Promise<void> {
    while (this.#running.length > 0) {
      const running = this.#running;
      const pending = running.filter((one) => !one.failure);
      this.#running = [];
      await this.#tail;
      const failed = running.find((one) => one.failure && (pending.includes(one) || !one.promise.isObserved));
      if (failed?.failure) throw failed.failure.error;
    }
  }

  #forget(done: Running): void {
    this.#running = this.#running.filter((one) => one !== done);
  }
}
