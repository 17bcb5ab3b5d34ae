import type { Awaitable } from "../contracts/storage.js";

/**
 * The promise of a lifecycle verb. It knows whether anybody waits for it, so that a failure nobody would see becomes
 * the request's.
 */
class Verb<T> extends Promise<T> {
  isObserved = false;

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise, and this is how it learns that somebody waits
  override then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.isObserved = true;
    return super.then(fulfilled, rejected);
  }
}

/** A verb that is under way, or that failed: one that succeeded is forgotten. */
interface Running {
  readonly verb: Verb<unknown>;
  failure: { readonly error: unknown } | undefined;
}

/**
 * Runs the verbs of one session one after the other, and waits for those still under way at the end of the request.
 */
export class VerbQueue {
  #tail: Promise<unknown> = Promise.resolve();
  #running: Running[] = [];

  /** Starts a verb when those before it are done. */
  run<T>(work: () => Awaitable<T>): Promise<T> {
    const result = this.#tail.then(work);
    const verb = new Verb<T>((resolve, reject) => void result.then(resolve, reject));
    const running: Running = { verb, failure: undefined };
    this.#running.push(running);
    this.#tail = result.then(
      () => this.#forget(running),
      (error: unknown) => {
        running.failure = { error };
        if (verb.isObserved) this.#forget(running);
      },
    );
    void Promise.prototype.then.call(verb, undefined, () => {});
    return verb;
  }

  /** The promise of a verb that has taken effect already; it resolves after those before it. */
  done(): Promise<void> {
    return this.#running.length === 0 ? Promise.resolve() : this.run(() => {});
  }

  /** Whether a verb is still under way, or failed and nobody waited for it. */
  get isUnsettled(): boolean {
    return this.#running.some(({ failure, verb }) => !failure || !verb.isObserved);
  }

  /** Waits for all verbs; throws the failure of one that was still under way, or that nobody waited for. */
  async settled(): Promise<void> {
    while (this.#running.length > 0) {
      const running = this.#running;
      const pending = running.filter((one) => !one.failure);
      this.#running = [];
      await this.#tail;
      const failed = running.find((one) => one.failure && (pending.includes(one) || !one.verb.isObserved));
      if (failed?.failure) throw failed.failure.error;
    }
  }

  #forget(done: Running): void {
    this.#running = this.#running.filter((one) => one !== done);
  }
}
