import type { Awaitable } from "../contracts/storage.js";
import type { Deadline } from "./calls.js";

/** How one key is changed. */
export interface Change<Found, Result> {
  /** Reads what is stored. */
  read(this: void): Awaitable<Found>;
  /**
   * Decides on the basis of what was read and makes one conditional write. Returns undefined if another writer was
   * faster.
   */
  attempt(this: void, found: Found): Awaitable<Result | undefined>;
  /** The result of an earlier read, if it need not be read again. */
  readonly known?: Found | undefined;
  /** Number of attempts that have failed before; default 0. */
  readonly tries?: number;
}

/**
 * Changes the entry of one key by compare-and-set: every write names the version it replaces. If another writer was
 * faster, the key is read and decided again, after a random pause that grows.
 *
 * @param change - how the key is read, and how it is changed
 * @param deadline - the time limit
 * @returns the result of the successful attempt
 * @throws {SessionError} `conflict` if other writers kept changing the key until the deadline; otherwise what the
 *   attempt throws
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
