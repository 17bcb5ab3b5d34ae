import { type Clock, milliseconds, type Duration } from "../util/time.js";

/** A clock that only moves when the test moves it. Pass it as the option `clock`. */
export interface TestClock extends Clock {
  /**
   * Moves time forward; timers that become due are called, in their order.
   *
   * @param by - milliseconds, or a string like `"30m"`
   */
  advance(by: Duration): void;
  /**
   * Sets the time, also backwards; no timer is called.
   *
   * @param now - epoch milliseconds
   */
  set(now: number): void;
  /** Number of waiting timers. */
  readonly timers: number;
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * Creates a clock for tests.
 *
 * @param start - its first time, in epoch ms; default 2026-01-01T00:00:00Z
 * @returns the clock
 * @example
 * ```ts
 * const clock = testClock();
 * const sessions = session({ clock, idleTimeout: "30m" });
 * clock.advance("31m"); // sessions that were not used have expired
 * ```
 */
export function testClock(start: number = Date.UTC(2026, 0, 1)): TestClock {
  let now = start;
  const timers = new Set<Timer>();
  return {
    now: () => now,
    setTimer(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(by) {
      const until = now + milliseconds("advance", by, 0);
      for (let next = earliest(timers, until); next; next = earliest(timers, until)) {
        timers.delete(next);
        now = Math.max(now, next.at);
        next.callback();
      }
      now = until;
    },
    set(time) {
      now = time;
    },
    get timers() {
      return timers.size;
    },
  };
}

function earliest(timers: ReadonlySet<Timer>, until: number): Timer | undefined {
  const due = [...timers].filter(({ at }) => at <= until);
  return due.sort((a, b) => a.at - b.at)[0];
}
