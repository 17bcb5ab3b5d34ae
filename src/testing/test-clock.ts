import type { Clock } from "../contracts/clock.js";
import { milliseconds, type Duration } from "../util/duration.js";

/** A clock that stands still until it is told to go on. Give it as the option `clock`. */
export interface TestClock extends Clock {
  /** Lets time pass; timers that come due call back, in their order. */
  advance(by: Duration): void;
  /** Sets the time in epoch ms, also backwards; no timer calls back. */
  set(now: number): void;
  /** How many timers are waiting. */
  readonly timers: number;
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Makes a clock for tests; it starts at `start` (epoch ms, default 2026-01-01T00:00:00Z). */
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
