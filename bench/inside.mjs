/** What only a server's own process can tell of itself: an answer to each message of the one that measures it. */
import { Session } from "node:inspector/promises";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";

/** One allocation in so many bytes is looked at. */
const SAMPLING = {
  samplingInterval: 8192,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
};

let inspector;
let collections = [];
const observer = new PerformanceObserver((list) => collections.push(...list.getEntries()));

/** By message. What begins is answered once it has begun. */
export const ANSWERS = {
  /** CPU time used so far, of all threads, in µs. */
  mark: () => ({ cpu: process.cpuUsage() }),

  /** Begins to watch what collects garbage. */
  watch() {
    collections = [];
    observer.observe({ entryTypes: ["gc"] });
    return {};
  },

  /** Ends that: what was collected since. */
  async watched() {
    await turn();
    collections.push(...observer.takeRecords());
    observer.disconnect();
    return { garbage: garbageOf(collections) };
  },

  /** Begins to sample allocations, those that are garbage soon as well. */
  async sample() {
    inspector = new Session();
    inspector.connect();
    await inspector.post("HeapProfiler.startSampling", SAMPLING);
    return {};
  },

  /** Ends that: where what was allocated. */
  async sampled() {
    const { profile } = await inspector.post("HeapProfiler.stopSampling");
    inspector.disconnect();
    return { profile };
  },
};

/**
 * How many collections there were, of young objects and of all, and how many ms each kind stopped the program; steps
 * of the latter add to its time.
 */
export function garbageOf(entries) {
  const isMinor = ({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MINOR;
  const isWhole = ({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
  const ms = (some) => some.reduce((sum, { duration }) => sum + duration, 0);
  const minor = entries.filter(isMinor);
  return {
    minor: { count: minor.length, ms: ms(minor) },
    major: { count: entries.filter(isWhole).length, ms: ms(entries.filter((entry) => !isMinor(entry))) },
  };
}
