/**
 * Number of sessions with an individual time; if more refreshes fail, the database is assumed to refuse all of them.
 */
const MOST_SESSIONS = 10_000;

/** The shortest pause, in ms: even if every request refreshes, there is one attempt a second. */
const SHORTEST_MS = 1000;

/**
 * Remembers when a failed refresh is tried again, so that a database that refuses writes costs requests no time. There
 * is one time for each session, up to a limit; if more fail, no session is refreshed before a common time. There is no
 * timer: expired entries are removed when the next refresh fails.
 */
export class RefreshPauses {
  readonly #most: number;
  /**
   * When each session is tried again, in epoch ms; the earliest first, except for sessions with an own idle timeout.
   */
  readonly #until = new Map<string, number>();
  #allUntil = 0;

  /** `most`: number of sessions with an individual time. */
  constructor(most: number = MOST_SESSIONS) {
    this.#most = most;
  }

  /** True if a refresh of this session must wait. */
  includes(hash: string, now: number): boolean {
    return now < this.#allUntil || now < (this.#until.get(hash) ?? 0);
  }

  /** Notes that a refresh of this session has failed: it is tried again after `ms`. */
  add(hash: string, ms: number, now: number): void {
    const until = now + Math.max(ms, SHORTEST_MS);
    this.#forgetUntil(now);
    this.#until.delete(hash);
    if (this.#until.size < this.#most) this.#until.set(hash, until);
    else this.#allUntil = Math.max(this.#allUntil, until);
  }

  #forgetUntil(now: number): void {
    for (const [hash, until] of this.#until) {
      if (until > now) return;
      this.#until.delete(hash);
    }
  }
}
