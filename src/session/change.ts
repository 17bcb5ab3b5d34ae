import type { Awaitable } from "../contracts/storage.js";
import type { Deadline } from "./calls.js";

/** How one key is changed. */
export interface Change<Found, Result> {
  /** Reads what is stored now. */
  read(this: void): Awaitable<Found>;
  /** Decides on what was found and makes one conditional command. Undefined: another was faster. */
  attempt(this: void, found: Found): Awaitable<Result | undefined>;
  /** What was read before, if it need not be read again. */
  readonly known?: Found | undefined;
  /** How many attempts have failed already; default 0. */
  readonly tries?: number;
}

/**
 * Changes what is stored under one key by compare-and-set: every write names the version it replaces. If another was
 * faster, the key is read again and decided anew, with growing random pauses.
 *
 * @param change - how the key is read, and what is done with what was found
 * @param deadline - when to give up
 * @returns what the attempt that succeeded returned
 * @throws {SessionError} `conflict` if others kept changing the key until the deadline; whatever the attempt throws
 */
export async function changed<Found, Result>(change: Change<Found, Result>, deadline: Deadline): Promise<Result> {
  const { read, attempt, known, tries = 0 } = change;
  let found = known ?? (await read());
  for (let failed = tries; ; failed++) {
    const result = await attempt(found);
    if (result !== undefined) return result;
    await deadline.pause(failed);
    found = await read();
  }
}
