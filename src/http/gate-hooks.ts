/** What a middleware does around a response. */
export interface GateHooks {
  /**
   * Called before the first byte.
   *
   * @returns undefined if there is nothing to wait for
   */
  before(): Promise<void> | undefined;
  /** Adds the last headers. */
  headers(): void;
  /**
   * Called before the last byte, or when the client has disconnected. It reports its failures itself.
   *
   * @returns undefined if there is nothing to wait for
   */
  after(): Promise<void> | undefined;
  /** Called if the client has disconnected before the handler sent any byte. It reports its failures itself. */
  gone(): void;
  /**
   * Called if `before` failed: the handler's response is discarded, and another one can be sent.
   *
   * @param error - the failure
   */
  failed(error: unknown): void;
}

/**
 * A failure, and the middlewares that could not store: the first of them sends the error response. The list is empty
 * if the stored response could not be sent: then the innermost middleware does.
 */
export interface Failure {
  readonly error: unknown;
  readonly of: readonly GateHooks[];
}

/** All middlewares store in parallel; a failure is reported after all have settled. */
export function allBegun(all: readonly GateHooks[]): Promise<void> | undefined {
  const works = all.map(begun);
  return works.some((work) => work !== undefined) ? allSettled(all, works) : undefined;
}

async function allSettled(all: readonly GateHooks[], works: readonly (Promise<void> | undefined)[]): Promise<void> {
  const outcomes = await Promise.allSettled(works.map(async (work) => work));
  const failed = all.filter((_, i) => outcomes[i]!.status === "rejected");
  const first = outcomes.find((outcome) => outcome.status === "rejected");
  if (first) throw new SomeFailed({ error: first.reason, of: failed });
}

/** Remembers which of several middlewares failed. */
class SomeFailed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super("holdfast: a middleware failed");
    this.failure = failure;
  }
}

/** Returns the middlewares that failed; all, if this is not known. */
export function failureOf(error: unknown, of: readonly GateHooks[]): Failure {
  return error instanceof SomeFailed ? error.failure : { error, of };
}

/** Calls `before`; a synchronous exception becomes a rejected promise. */
export function begun(hooks: GateHooks): Promise<void> | undefined {
  try {
    return hooks.before();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Calls `after`, in the same way. */
export function finished(hooks: GateHooks): Promise<void> | undefined {
  try {
    return hooks.after();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Ignores a failure that cannot be sent to the client any more; the hooks have reported it. */
export function settle(work: Promise<void> | undefined): void {
  work?.catch(() => {});
}
