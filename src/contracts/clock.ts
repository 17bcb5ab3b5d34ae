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
