/** A connection that a pool lends. */
export interface Borrowed {
  release(): unknown;
  destroy(): unknown;
  /** That of `mysql2`, whose `destroy` waits for the peer. */
  readonly connection?: { readonly stream?: { destroy?(): unknown } };
}

/** After this multiple of the request timeout without a response, a connection is removed from its pool. */
const PATIENCE = 4;

/**
 * One statement on a connection of a pool. If the caller stops waiting before a connection is available, the statement
 * is not run. A connection that does not respond for a long time is removed from the pool, because its peer may be
 * gone.
 */
export class Turn<C extends Borrowed> {
  readonly #borrow: () => PromiseLike<C>;
  readonly #timeout: number | undefined;
  #connection: C | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(borrow: () => PromiseLike<C>, timeout: number | undefined) {
    this.#borrow = borrow;
    this.#timeout = timeout;
  }

  run<T>(statement: (connection: C) => PromiseLike<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown): void => this.#end(true, () => reject(error));
      const borrowing = this.#borrow();
      this.#watch(reject);
      borrowing.then((connection) => {
        if (this.#isOver) return giveBack(connection, true);
        this.#connection = connection;
        statement(connection).then((result) => this.#end(true, () => resolve(result)), failed);
      }, failed);
    });
  }

  #watch(reject: (error: Error) => void): void {
    const timeout = this.#timeout;
    if (timeout === undefined) return;
    this.#timer = setTimeout(() => {
      if (!this.#connection) return this.#end(true, () => reject(new Error(NONE_FREE)));
      this.#timer = setTimeout(() => this.#end(false, () => reject(new Error(SILENT))), (PATIENCE - 1) * timeout);
    }, timeout);
  }

  #end(isHealthy: boolean, settle: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    if (this.#connection) giveBack(this.#connection, isHealthy);
    settle();
  }
}

const NONE_FREE = "no connection of the pool was available in time";
const SILENT = "the connection did not respond for a long time and was removed from the pool";

/** Returns a connection to its pool, or ends it. */
export function giveBack(connection: Borrowed, isHealthy: boolean): void {
  if (isHealthy) return void connection.release();
  connection.destroy();
  connection.connection?.stream?.destroy?.();
}
