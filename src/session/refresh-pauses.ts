/** How many sessions are remembered one by one; where more are refused, the database is taken to refuse all. */
const MOST_SESSIONS = 10_000;

/** The shortest pause, in ms: where every request refreshes, a refusal is met once a second. */
const SHORTEST_MS = 1000;

/**
 * When a refresh that failed is tried again, so that a database that takes no writes costs readers nothing. One
 * moment for each session,
 * for as many sessions as are few; where more fail, none is tried before that moment. There is no timer: what is over
 * is forgotten when
 * the next one fails.
 */
export class RefreshPauses {
  readonly #most: number;
  /** When each is tried again, epoch ms; the earliest first, but for sessions with an idle timeout of their own. */
  readonly #until = new Map<string, number>();
  #allUntil = 0;

  /** `most`: how many sessions are remembered. */
  constructor(most: number = MOST_SESSIONS) {
    this.#most = most;
  }

  /** Whether a refresh of this session is not to be tried yet. */
  includes(hash: string, now: number): boolean {
    return now < this.#allUntil || now < (this.#until.get(hash) ?? 0);
  }

  /** A refresh of this session has failed: it is tried again `ms` later. */
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
