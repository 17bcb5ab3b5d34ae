import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { everySchedule, FAULTS, interleave, MUTANTS, START, World, type Fault, type Handler, type Mutant, type Result } from "./simulation.js";

/** What a request does with a session that holds `{ mine: true, n: 0 }`. */
const HANDLERS: Record<string, Handler> = {
  reader: (session) => session.get("n"),
  writerA: (session) => session.set("a", 1),
  writerB: (session) => session.set("b", 1),
  inPlace: (session) => session.get("list")?.push("x"),
  increment: (session) => session.update("n", (n: number) => n + 1),
  login: async (session) => {
    await session.regenerate();
    session.set("user", 1);
  },
  resetAndWrite: async (session) => {
    await session.reset();
    session.set("z", 1);
  },
  reset: (session) => session.reset(),
  destroy: (session) => session.destroy(),
};
const KINDS = [...Object.keys(HANDLERS), "revoke", "edit"];
const RENEWS = ["login", "resetAndWrite"];
const ENDS = ["reset", "resetAndWrite", "destroy", "revoke"];

interface Story {
  readonly world: World;
  readonly token: string;
  readonly results: Result[];
}

async function play(kinds: readonly string[], fault: { call: number; kind: Fault } | undefined, choose: (options: number) => number, mutant?: Mutant): Promise<Story> {
  const world = new World();
  world.storage.mutant = mutant;
  const { token, id } = await world.alone(world.store.create({ mine: true, n: 0, list: [] }));
  world.now = START + 10 * 60_000;
  world.storage.calls = world.storage.executed = 0;
  world.storage.fault = fault;
  const background = async (kind: string, work: () => Promise<boolean>): Promise<Result> => {
    try {
      const opened = await work();
      return { kind, opened, at: world.storage.executed, named: true };
    } catch (error) {
      return { kind, error: error as Result["error"] };
    }
  };
  const start = (kind: string) => (): Promise<Result> => {
    if (kind === "revoke") return background(kind, () => world.store.delete(id));
    if (kind === "edit") return background(kind, () => world.store.edit(id, (session) => session.set("job", 1)));
    return world.request(kind, token, HANDLERS[kind]!);
  };
  return { world, token, results: await interleave(world, kinds.map(start), choose) };
}

function check({ world, token, results }: Story): void {
  const fine = results.filter((result) => !result.error);
  const did = (kinds: string[]): Result[] => fine.filter((result) => kinds.includes(result.kind) && result.opened);
  const all = JSON.stringify(results.map(({ error, ...rest }) => ({ ...rest, error: error?.message })));
  for (const { named } of fine) assert.ok(named, `P4: a cookie names a session that is not stored: ${all}`);
  if (did(ENDS).length > 0) {
    // A create that failed, or took effect too late, may leave a record whose token nobody was ever told.
    const reachable = world.storage.fault ? known(fine, token).map((one) => world.dataOf(one) ?? {}) : world.live();
    assert.deepEqual(reachable.filter(({ mine }) => mine), [], `P1: an ended session lives: ${all}`);
  }
  for (const renewal of did([...RENEWS, "reset"])) {
    assert.equal(world.isLive(token), false, `P2: the old token opens a session: ${all}`);
    for (const other of fine) assert.ok(!(other.answer === token && other.at! > renewal.at!), `P2: the old token is answered after the new one: ${all}`);
  }
  const isQuiet = results.every(({ kind }) => !RENEWS.includes(kind) && !ENDS.includes(kind));
  if (isQuiet) checkWrites(world.dataOf(token), results, all);
  const alive = known(fine, token).filter((one) => world.dataOf(one)?.["mine"]);
  assert.ok(alive.length <= 1, `two tokens open the session: ${all}`);
  const others = results.filter(({ error }) => error && !["storage", "timeout", "ended"].includes((error as { code?: string }).code!));
  assert.deepEqual(others, [], `unexpected failure: ${all}`);
}

/** Every token that a client was told. */
function known(results: readonly Result[], token: string): string[] {
  return [...new Set([token, ...results.map(({ answer }) => answer)])].filter((one): one is string => one !== undefined && one !== "removal");
}

function checkWrites(data: Record<string, unknown> | undefined, results: Result[], all: string): void {
  assert.ok(data, `the session is gone: ${all}`);
  const fine = (kind: string): number => results.filter((result) => result.kind === kind && !result.error).length;
  const tried = (kind: string): number => results.filter((result) => result.kind === kind).length;
  if (fine("writerA")) assert.equal(data["a"], 1, `P3: a write is lost: ${all}`);
  if (fine("writerB")) assert.equal(data["b"], 1, `P3: a write is lost: ${all}`);
  if (fine("edit")) assert.equal(data["job"], 1, `P3: a write is lost: ${all}`);
  const n = data["n"] as number;
  assert.ok(n >= fine("increment") && n <= tried("increment"), `P3: ${fine("increment")} of ${tried("increment")} increments make ${n}: ${all}`);
}

const pairs = KINDS.flatMap((one, i) => KINDS.slice(i).map((other) => [one, other] as const));

const TRIPLES = [
  ["login", "destroy", "writerA"],
  ["login", "revoke", "increment"],
  ["login", "login", "destroy"],
  ["resetAndWrite", "login", "destroy"],
  ["login", "reset", "reader"],
  ["increment", "increment", "increment"],
  ["writerA", "writerB", "inPlace"],
  ["edit", "writerA", "destroy"],
] as const;

async function inEveryOrder(groups: readonly (readonly string[])[], mutant?: Mutant): Promise<string> {
  let count = 0;
  for (const group of groups) count += await everySchedule(async (choose) => check(await play(group, undefined, choose, mutant)));
  return `${groups.length} groups of requests, ${count} schedules`;
}

async function withFaults(kind: Fault): Promise<string> {
  let count = 0;
  for (const pair of pairs) {
    for (let call = 0, reached = true; reached; call++) {
      reached = false;
      count += await everySchedule(async (choose) => {
        const story = await play(pair, { call, kind }, choose);
        reached ||= story.world.storage.calls > call;
        check(story);
      });
    }
  }
  return `${pairs.length} pairs, ${count} schedules`;
}

const PROOFS: Record<string, () => Promise<string>> = {
  pairs: () => inEveryOrder(pairs),
  triples: () => inEveryOrder(TRIPLES),
  ...Object.fromEntries(FAULTS.map((fault) => [fault, () => withFaults(fault)])),
  ...Object.fromEntries(MUTANTS.map((mutant) => [mutant, () => inEveryOrder(pairs, mutant)])),
};

/** Run in a worker: outside of the test runner's bookkeeping of every promise it takes a fifth of the time. */
const proof = PROOFS[workerData as string]!;
proof().then(
  (said) => parentPort!.postMessage({ said }),
  (error: Error & { code?: string }) => parentPort!.postMessage({ failure: error.message, code: error.code }),
);
