import assert from "node:assert/strict";
import { constants } from "node:perf_hooks";
import { test } from "node:test";

/** What is read out of profiles, and what a server tells of itself. No time is looked at. */
interface Part {
  readonly frame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly amount: number;
}
interface Profiles {
  timesOf(profile: object): Part[];
  bytesOf(profile: object): Part[];
  totalOf(parts: readonly Part[]): number;
  summary(parts: readonly Part[], requests?: number): string[];
}
interface Collected {
  readonly minor: { count: number; ms: number };
  readonly major: { count: number; ms: number };
}
interface Seen {
  readonly requests: number;
}
interface Server {
  readonly port: number;
  garbage(work: () => Promise<Seen>): Promise<Seen & { garbage: Collected }>;
  allocations(work: () => Promise<Seen>): Promise<Seen & { profile: object }>;
  stop(): Promise<void>;
}
interface Load {
  open(port: number, connections: number, holds: boolean): Promise<void>;
  run(port: number, kind: string, until: { count: number }): Promise<Seen>;
  stop(): Promise<void>;
}

const bench = (file: string): Promise<unknown> => import(new URL(`../../bench/${file}`, import.meta.url).href);
const { bytesOf, summary, timesOf, totalOf } = (await bench("profiles.mjs")) as Profiles;
const { garbageOf } = (await bench("inside.mjs")) as { garbageOf(entries: readonly object[]): Collected };
const { Load, Server } = (await bench("processes.mjs")) as {
  Load: new () => Load;
  Server: { start(what: object): Promise<Server> };
};

const PLACE = "file:///somewhere/dist/session";
const frame = (functionName: string, url = "", lineNumber = -1) => ({ functionName, url, lineNumber });
const commit = frame("commit", `${PLACE}/core.js`, 9);
const nameless = frame("", `${PLACE}/core.js`, 19);
const collector = frame("(garbage collector)");

test("a CPU profile: the time of each sample is its function's, and idle time nobody's", () => {
  const nodes = [commit, nameless, collector, frame("(idle)"), frame("(program)")].map((callFrame, i) => ({
    id: i + 1,
    callFrame,
  }));
  const parts = timesOf({ nodes, samples: [1, 4, 2, 1, 5, 3], timeDeltas: [300, 5000, 200, 300, 7000, 200] });
  assert.equal(totalOf(parts), 1000);
  assert.deepEqual(trimmed(summary(parts)), [
    "by file",
    "dist/session/core.js 80.0 %",
    "(garbage collector) 20.0 %",
    "by function",
    "commit dist/session/core.js:10 60.0 %",
    "(anonymous) dist/session/core.js:20 20.0 %",
    "(garbage collector) 20.0 %",
  ]);
});

test("an allocation profile: the bytes of a function are those of all places that call it, a request's share of them beside it", () => {
  const node = (callFrame: object, selfSize: number, ...children: object[]) => ({ callFrame, selfSize, children });
  const head = node(
    frame("(root)"),
    0,
    node(commit, 1000, node(nameless, 500), node(frame("Map"), 400)),
    node(nameless, 100, node(commit, 2000)),
  );
  const parts = bytesOf({ head });
  assert.equal(totalOf(parts), 4000);
  assert.deepEqual(trimmed(summary(parts, 10)), [
    "by file",
    "dist/session/core.js 360 90.0 %",
    "Map 40.0 10.0 %",
    "by function",
    "commit dist/session/core.js:10 300 75.0 %",
    "(anonymous) dist/session/core.js:20 60.0 15.0 %",
    "Map 40.0 10.0 %",
  ]);
});

test("collections of garbage are counted once each, and the steps of one add to its time", () => {
  const entry = (kind: number, duration: number) => ({ duration, detail: { kind } });
  const {
    NODE_PERFORMANCE_GC_MINOR: minor,
    NODE_PERFORMANCE_GC_MAJOR: major,
    NODE_PERFORMANCE_GC_INCREMENTAL: step,
  } = constants;
  assert.deepEqual(garbageOf([entry(minor, 1), entry(step, 2), entry(minor, 3), entry(major, 4)]), {
    minor: { count: 2, ms: 4 },
    major: { count: 1, ms: 6 },
  });
  assert.deepEqual(garbageOf([]), { minor: { count: 0, ms: 0 }, major: { count: 0, ms: 0 } });
});

test("a server samples what it allocates and watches what it collects while it is loaded, and can be asked again", async () => {
  const server = await Server.start({
    framework: "node",
    contender: "holdfast",
    variant: "eager",
    storage: "memory",
  });
  const load = new Load();
  try {
    await load.open(server.port, 2, true);
    for (let i = 0; i < 2; i++) {
      const { garbage } = await server.garbage(() => load.run(server.port, "W", { count: 20 }));
      assert.deepEqual(
        [Object.keys(garbage.minor), Object.keys(garbage.major)],
        [
          ["count", "ms"],
          ["count", "ms"],
        ],
      );
      const { profile, requests } = await server.allocations(() => load.run(server.port, "W", { count: 2000 }));
      assert.equal(requests, 2000);
      assert.ok(
        summary(bytesOf(profile)).some((line) => line.includes("dist/session/")),
        "nothing of the library's was seen",
      );
    }
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
});

/** Without the blanks that align them. */
function trimmed(lines: readonly string[]): string[] {
  return lines.map((line) => line.trim().replace(/ +/g, " "));
}
