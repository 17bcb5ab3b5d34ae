/** What a middleware does around an answer. */
export interface AnswerHooks {
  /** Before the first byte. Returns nothing if there is nothing to wait for. */
  before(): Promise<void> | undefined;
  /** Headers that are added last. */
  headers(): void;
  /**
   * Before the last byte, or when the client is gone. Returns nothing if there is nothing to wait for. It reports its
   * own failures.
   */
  after(): Promise<void> | undefined;
  /** The client is gone, and the handler has asked for no byte. It reports its own failures. */
  gone(): void;
  /** `before` failed: the handler's answer is gone, another one can be given. */
  failed(error: unknown): void;
}

/**
 * A failure, and the middlewares that could not store: the first of them answers. None, if what was stored could not
 * be sent: then the innermost.
 */
export interface Failure {
  readonly error: unknown;
  readonly of: readonly AnswerHooks[];
}

/** All middlewares store at once; the failure of one waits for the others. */
export function allBegun(all: readonly AnswerHooks[]): Promise<void> | undefined {
  const works = all.map(begun);
  return works.some((work) => work !== undefined) ? allSettled(all, works) : undefined;
}

async function allSettled(all: readonly AnswerHooks[], works: readonly (Promise<void> | undefined)[]): Promise<void> {
  const outcomes = await Promise.allSettled(works.map(async (work) => work));
  const failed = all.filter((_, i) => outcomes[i]!.status === "rejected");
  const first = outcomes.find((outcome) => outcome.status === "rejected");
  if (first) throw new SomeFailed({ error: first.reason, of: failed });
}

/** Carries which of several middlewares failed. */
class SomeFailed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super("holdfast: a middleware failed");
    this.failure = failure;
  }
}

/** Whose a failure is: of all, if it is not said. */
export function failureOf(error: unknown, of: readonly AnswerHooks[]): Failure {
  return error instanceof SomeFailed ? error.failure : { error, of };
}

/** What must come before the first byte; a failure at once is one to wait for. */
export function begun(hooks: AnswerHooks): Promise<void> | undefined {
  try {
    return hooks.before();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** What must come before the last byte, likewise. */
export function finished(hooks: AnswerHooks): Promise<void> | undefined {
  try {
    return hooks.after();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Nobody is there any more to be told of a failure; the hooks have reported it. */
export function settle(work: Promise<void> | undefined): void {
  work?.catch(() => {});
}
