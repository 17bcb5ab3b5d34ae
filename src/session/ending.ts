import type { Version } from "../contracts/storage.js";
import type { Deadline } from "./calls.js";
import { isOver, type Loaded, type Records } from "./records.js";

/** Which sessions an end is about. */
export interface Ending {
  /** The version that was read before, if it need not be read again. */
  readonly version?: Version | undefined;
  /** Only a session of this owner is ended. */
  readonly owner?: string;
  /** These are left alone, by their hashes. */
  readonly spared?: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * Ends the session under a hash, whatever version it has by then, or what it was renewed to meanwhile: the walk along
 * markers, of which there is only this one.
 *
 * @param records - where sessions are stored
 * @param from - hash of the session as it is known
 * @param now - the time
 * @param deadline - when to give up
 * @param ending - what is known of it, and what is spared
 * @returns whether a session was ended that had not expired
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
      if (await records.delete(hash, known, deadline)) return wasLive;
      await deadline.pause(tries++);
    }
    const met = await records.find(hash, deadline);
    if (met.kind === "absent" || isAnothers(met, owner)) return false;
    const isPast = isOver(met, now());
    if (met.kind === "retired") {
      if (isPast) return false;
      [hash, known] = [met.successor, undefined];
    } else [known, wasLive] = [met.version, !isPast];
  }
  return false;
}

function isAnothers(met: Loaded, owner: string | undefined): boolean {
  return owner !== undefined && met.kind === "live" && met.record.owner !== owner;
}
