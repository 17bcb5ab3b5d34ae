import type { SweepOptions } from "../contracts/storage.js";
import { callable, onlyKeys } from "../util/assert.js";
import { warn } from "../util/builtin.js";
import { milliseconds } from "../util/duration.js";

/** How often, if nothing else is said. */
const DEFAULT_EVERY = "10m";

/** The longest that a timer of JavaScript can wait, in ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Sweeps every so often, one at a time, until it is stopped; a sweep that fails is told, and the next one comes. */
export class Sweeping {
  readonly #sweep: (now: number, signal: AbortSignal) => PromiseLike<unknown>;
  #stop: (() => void) | undefined;

  constructor(sweep: (now: number, signal: AbortSignal) => PromiseLike<unknown>) {
    this.#sweep = sweep;
  }

  /** Starts, or starts anew with other options. */
  start(options: SweepOptions = {}): void {
    onlyKeys("startSweep", options, ["every", "onError", "clock"]);
    const every = milliseconds("every", options.every ?? DEFAULT_EVERY, 1000);
    if (every > LONGEST_TIMER_MS) throw new RangeError("holdfast: every is longer than 24 days; write 1d");
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
    // Processes that start together, and those that are started anew more often than that, sweep as well.
    cancel = setTimer(Math.ceil(Math.random() * every), () => void sweepOnce());
    this.#stop = () => {
      controller.abort();
      cancel();
    };
  }

  /** Also stops a sweep that is under way, after the statement it has sent. */
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

/** Real time, whose timers keep no process running. */
const UNREFERENCED: NonNullable<SweepOptions["clock"]> = {
  now: () => Date.now(),
  setTimer(ms, callback) {
    const timer = setTimeout(callback, ms) as { unref?(): unknown };
    timer.unref?.();
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
};
