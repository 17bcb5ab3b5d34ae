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
