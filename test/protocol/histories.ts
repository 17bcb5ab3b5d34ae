import fc from "fast-check";
import { parentPort, workerData } from "node:worker_threads";
import { memoryStorage } from "holdfast/storage/memory";
import type { Storage } from "holdfast";
import { ACT, ALONE, BESIDE, CLEAR, create, type Command } from "./history-commands.js";
import { MUTANTS } from "./history-mutants.js";
import { overlap } from "./history-overlap.js";
import { HistoryStorage } from "./history-storages.js";
import { History, type Playing, type Setting } from "./history.js";
import type { Choose } from "./simulation.js";

/** How the requests of a history meet. */
export type Kind = "one after the other" | "side by side" | "call by call";

/** What a thread is to play. */
export interface Task {
  readonly kind: Kind;
  readonly seed: number;
  readonly runs: number;
  /** What is broken, to see that somebody notices. */
  readonly mutant?: string;
}

/** What came of it. */
export interface Played {
  readonly runs: number;
  readonly counts: ReadonlyMap<string, number>;
  /** The shortest story that shows a difference, and the difference. */
  readonly failure?: string;
}

const { kind, seed, runs, mutant } = workerData as Task;
const { storageOf = (storage: Storage) => storage, ...broken } = mutant === undefined ? {} : MUTANTS[mutant]!;
const playing: Playing = { counts: new Map(), ...broken };

const MINUTE = 60_000;

const settings: fc.Arbitrary<Setting> = fc.record({
  times: fc.record({
    idle: fc.constant(30 * MINUTE),
    absolute: fc.constantFrom(undefined, 31 * MINUTE, 60 * MINUTE),
    refreshInterval: fc.constantFrom(3 * MINUTE, 0),
  }),
  skews: fc.constantFrom([0, 0], [0, 1500], [0, -700]),
});

/**
 * Where requests overlap, what one refreshes may be written again by the slower clock of another: there the clocks
 * agree.
 */
const onOneClock = ({ times, skews }: Setting): Setting => ({ times, skews: skews.map(() => 0) });

async function play(
  commands: Iterable<Command>,
  setting: Setting,
  storage: Storage,
  then?: (history: History) => Promise<void>,
): Promise<void> {
  const history = new History(setting, storageOf(storage), playing);
  try {
    await fc.asyncModelRun(() => ({ model: history, real: history }), commands);
    await then?.(history);
  } catch (error) {
    throw new Error(`${history.story.join("\n")}\n=> ${(error as Error).message}`, { cause: error });
  }
}

/** Each request ends before the next begins; the storage collects what has expired. */
function oneAfterTheOther(): fc.IAsyncProperty<any> {
  return fc.asyncProperty(settings, histories(ALONE), (setting, commands) =>
    play(commands, setting, memoryStorage()),
  );
}

/** Requests go on while others come and go; each step of theirs is one moment. */
function sideBySide(): fc.IAsyncProperty<any> {
  return fc.asyncProperty(settings.map(onOneClock), histories(BESIDE), (setting, commands) =>
    play(commands, setting, new HistoryStorage()),
  );
}

/** In the end a few requests at once, whose storage calls run in any order. */
function callByCall(): fc.IAsyncProperty<any> {
  const first = fc.commands(ALONE, { maxCommands: 6 });
  const order = fc.array(fc.nat({ max: 59 }), { maxLength: 40 });
  return fc.asyncProperty(
    settings.map(onOneClock),
    first,
    fc.array(ACT, { minLength: 2, maxLength: 3 }),
    order,
    (setting, commands, acts, choices) => {
      const storage = new HistoryStorage();
      let next = 0;
      const choose: Choose = ({ length }) => (length === 1 ? 0 : (choices[next++] ?? 0) % length);
      return play([create("Ada", 0, { a: 1, n: 1 }), ...commands], setting, storage, (history) =>
        overlap(history, storage, acts, choose),
      );
    },
  );
}

function histories(commands: fc.Arbitrary<Command>[]): fc.Arbitrary<Iterable<Command>> {
  return fc.commands([...commands, ...commands, CLEAR], { maxCommands: 40, size: "+1" });
}

const PLAYS: Record<Kind, () => fc.IAsyncProperty<any>> = {
  "one after the other": oneAfterTheOther,
  "side by side": sideBySide,
  "call by call": callByCall,
};

/** A mutant need only be found; what is wrong with the code itself is told as shortly as can be. */
const checked = await fc.check(PLAYS[kind](), { seed, numRuns: runs, endOnFailure: mutant !== undefined });
const failure = checked.failed ? { failure: (checked.errorInstance as Error).message } : {};
parentPort!.postMessage({ runs: checked.numRuns, counts: playing.counts, ...failure } satisfies Played);
