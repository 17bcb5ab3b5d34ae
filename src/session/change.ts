import type { Awaitable, Version } from "../contracts/storage.js";
import type { Deadline } from "./calls.js";
import { concerns } from "../codecs/record.js";
import { isOver, type Loaded, type Records } from "./records.js";

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

/** Which sessions are ended. */
export interface Ending {
  /** The version that was read before, if it need not be read again. */
  readonly version?: Version | undefined;
  /** Only a session of this owner is ended. */
  readonly owner?: string;
  /** Hashes of sessions that are not ended. */
  readonly spared?: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Ends the session with a hash, whatever its version is, or its successor if it was renewed. This is the only function
 * that follows markers.
 *
 * @param records - the records
 * @param from - known hash of the session
 * @param now - returns the time
 * @param deadline - the time limit
 * @param ending - what is known about the session, and which sessions are kept
 * @returns true if a session was ended that had not expired
 */
export async function endSession(
  records: Records,
  from: string,
  now: () => number,
  deadline: Deadline,
  ending: Ending = {},
): Promise<boolean> {
  const { version, owner, spared = NONE } = ending;
  let [hash, known, wasLive] = [from, version, true];
  for (let tries = 0; !spared.has(hash); ) {
    if (known !== undefined) {
      if (await records.end(hash, known, deadline)) return wasLive;
      await deadline.pause(tries++);
    }
    const met = await records.find(hash, deadline);
    if (met.kind === "absent" || isAnothers(met, owner)) return false;
    const isPast = isOver(met, now());
    if (met.kind === "retired") {
      if (isPast || met.successor === "") return false;
      [hash, known] = [met.successor, undefined];
    } else [known, wasLive] = [met.version, !isPast];
  }
  return false;
}

function isAnothers(met: Loaded, owner: string | undefined): boolean {
  return owner !== undefined && met.kind === "live" && !concerns(met.record, owner);
}
