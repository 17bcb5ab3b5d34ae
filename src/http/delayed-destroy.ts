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
 * Postpones what destroys a response, or its connection, while its bytes are held: with Node they would have been sent
 * by then.
 */
export class DelayedDestroy {
  readonly #res: ServerResponse;
  #guarded: Connection | undefined = undefined;
  #destroying: (() => void) | undefined = undefined;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  /** Whoever closes the connection from now on does so once the bytes are out: on HTTP/2 those of a piece, too. */
  guard(): void {
    if (this.#guarded) return;
    this.#guarded = connectionOf(this.#res);
    if (this.#guarded) postponeDestroy(this.#guarded);
  }

  /** The response was destroyed in the midst of a body that is held: so it is once that is out. */
  postpone(destroy: () => void): void {
    this.#destroying ??= destroy;
  }

  /** The bytes are out: what was postponed is done. */
  allow(): void {
    const guarded = this.#guarded;
    const destroy = this.#destroying;
    this.#guarded = this.#destroying = undefined;
    if (guarded) allowDestroy(guarded);
    destroy?.();
  }

  /** The bytes were dropped: a connection that the handler closed is closed after the response of the error path. */
  allowAfterError(): void {
    const guarded = this.#guarded;
    this.#guarded = this.#destroying = undefined;
    const close = guarded && takeDestroy(guarded);
    if (close) this.#res.once("close", close);
  }
}

/**
 * To its handler an ended response looks ended. Whoever collects the bytes of a stand-in must see that they are not
 * there yet. Returns whether it does.
 */
export function lookEnded(res: ServerResponse): boolean {
  if (!socketOf(res)) return false;
  if (Object.hasOwn(res, "finished")) res.finished = true;
  return true;
}

/** The response looks as if it was not ended. */
export function lookOpen(res: ServerResponse): void {
  if (socketOf(res) && Object.hasOwn(res, "finished")) res.finished = false;
}
