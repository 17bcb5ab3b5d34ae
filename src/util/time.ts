/** Clocks, durations in the options of an application, and pauses. */
import { misuse, outOfRange, show } from "./assert.js";

/**
 * Source of time of the library. Tests pass a clock of their choice (`testClock()`); the default is the system clock.
 */
export interface Clock {
  /**
   * Returns the current time.
   *
   * @returns epoch milliseconds
   */
  now(): number;
  /**
   * Calls `callback` once after `ms` milliseconds.
   *
   * @param ms - delay in milliseconds
   * @param callback - the function to call
   * @returns a function that cancels the timer
   */
  setTimer(ms: number, callback: () => void): () => void;
}

/** The system clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** A duration: milliseconds, or a number with a unit: `"500ms"`, `"90s"`, `"30m"`, `"1.5h"`, `"7d"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SHAPE = /^(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d)$/;

/** The longest accepted duration, in ms (about 100,000 years): a timestamp can still contain it. */
const MOST_MS = 100_000 * 365 * UNIT_MS.d;

/**
 * Converts a duration to whole milliseconds. `least` (ms) is the lower bound; the error has the name of the option and
 * what to write.
 */
export function milliseconds(option: string, duration: Duration, least: number): number {
  const ms = typeof duration === "number" ? duration : parse(option, duration);
  if (!Number.isFinite(ms)) throw misuse(option, duration, 'a duration: milliseconds, or a string like "30m"');
  const whole = Math.round(ms);
  if (whole < least || whole > MOST_MS) throw outOfRange(option, duration, rangeHint(whole, least));
  return whole;
}

function parse(option: string, text: unknown): number {
  const match = typeof text === "string" ? SHAPE.exec(text) : null;
  if (!match)
    throw misuse(
      option,
      text,
      'a duration: milliseconds, or a number with its unit: "500ms", "90s", "30m", "24h", "7d"',
    );
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

function rangeHint(ms: number, least: number): string {
  if (ms > MOST_MS) return "at most 36500000 days";
  if (least < 1000) return `at least ${least} ms`;
  return ms > 0
    ? `at least one second; did you mean "${show(ms).slice(0, 12)}m" or "${ms}s"? A bare number is milliseconds`
    : 'at least one second, like "30m"';
}

/** The longest pause before something is repeated, in ms. */
const MAX_PAUSE_MS = 25;

/** How long to wait before something is repeated that failed only because of others, in ms. */
export function jitter(tries: number): number {
  return 1 + Math.random() * Math.min(2 ** tries, MAX_PAUSE_MS);
}

/** Waits; rejects if the signal is or becomes aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
