import { mistake } from "../errors.js";
import type { SweepOptions } from "../contracts/storage.js";
import { callable, onlyKeys } from "../util/assert.js";
import { warn } from "../util/builtin.js";
import { milliseconds } from "../util/time.js";

/** Default interval. */
const DEFAULT_EVERY = "10m";

/** The longest delay of a JavaScript timer, in ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Sweeps periodically, one sweep at a time, until stopped. The error of a failed sweep is reported, and the next sweep
 * still runs.
 */
export class Sweeping {
  readonly #sweep: (now: number, signal: AbortSignal) => PromiseLike<unknown>;
  #stop: (() => void) | undefined;

  constructor(sweep: (now: number, signal: AbortSignal) => PromiseLike<unknown>) {
    this.#sweep = sweep;
  }

  /** Starts, or restarts with other options. */
  start(options: SweepOptions = {}): void {
    onlyKeys("startSweep", options, ["every", "onError", "clock"]);
    const every = milliseconds("every", options.every ?? DEFAULT_EVERY, 1000);
    if (every > LONGEST_TIMER_MS) throw mistake("wrong-option", "every is longer than 24 days; write 1d", RangeError);
    const onError = callable("onError", options.onError ?? warnOf, "(error) => …");
    const { now, setTimer } = options.clock ?? UNREFERENCED;
    this.stop();
    const controller = new AbortController();
    let cancel = (): void => {};
    const sweepOnce = async (): Promise<void> => {
      try {
        await this.#sweep(now(), controller.signal);
      } catch (error) {
        if (!controller.signal.aborted) tell(onError, error);
      }
      if (!controller.signal.aborted) cancel = setTimer(every, () => void sweepOnce());
    };
    // A random first delay: processes that start together do not sweep together, and processes that restart more often
    // than the interval sweep too.
    cancel = setTimer(Math.ceil(Math.random() * every), () => void sweepOnce());
    this.#stop = () => {
      controller.abort();
      cancel();
    };
  }

  /** Also stops a sweep in progress, after its current statement. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}

function warnOf(error: unknown): void {
  warn(`holdfast: a sweep failed: ${error instanceof Error ? error.message : String(error)}`);
}

function tell(onError: (error: unknown) => void, error: unknown): void {
  try {
    onError(error);
  } catch (thrown) {
    warn(`holdfast: onError of startSweep() threw: ${String(thrown)}`);
  }
}

/** The system clock, with timers that do not keep the process running. */
const UNREFERENCED: NonNullable<SweepOptions["clock"]> = {
  now: () => Date.now(),
  setTimer(ms, callback) {
    const timer = setTimeout(callback, ms) as { unref?(): unknown };
    timer.unref?.();
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
};
