import type { ServerResponse } from "node:http";
import {
  allowDestroy,
  connectionOf,
  postponeDestroy,
  socketOf,
  takeDestroy,
  type Connection,
} from "./socket-guard.js";

/**
 * Delays the destruction of a response, or of its connection, while its bytes are held: without a session, Node would
 * have sent them before.
 */
export class DelayedDestroy {
  readonly #res: ServerResponse;
  #guarded: Connection | undefined = undefined;
  #destroying: (() => void) | undefined = undefined;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  /** From now on, closing the connection is delayed until the bytes are sent; on HTTP/2 also those of a part. */
  guard(): void {
    if (this.#guarded) return;
    this.#guarded = connectionOf(this.#res);
    if (this.#guarded) postponeDestroy(this.#guarded);
  }

  /** The response was destroyed while a part of its body is held: destroys it after that part is sent. */
  postpone(destroy: () => void): void {
    this.#destroying ??= destroy;
  }

  /** The bytes are sent: performs what was delayed. */
  allow(): void {
    const guarded = this.#guarded;
    const destroy = this.#destroying;
    this.#guarded = this.#destroying = undefined;
    if (guarded) allowDestroy(guarded);
    destroy?.();
  }

  /** The bytes were discarded: a connection that the handler closed is closed after the error response. */
  allowAfterError(): void {
    const guarded = this.#guarded;
    this.#guarded = this.#destroying = undefined;
    const close = guarded && takeDestroy(guarded);
    if (close) this.#res.once("close", close);
  }
}

/**
 * Lets an ended response look ended to its handler. An object that replaces a response must not look ended, because
 * its bytes are not complete yet. Returns true if the response now looks ended.
 */
export function lookEnded(res: ServerResponse): boolean {
  if (!socketOf(res)) return false;
  if (Object.hasOwn(res, "finished")) res.finished = true;
  return true;
}

/** Lets the response look as if it had not ended. */
export function lookOpen(res: ServerResponse): void {
  if (socketOf(res) && Object.hasOwn(res, "finished")) res.finished = false;
}
