/**
 * Proofs, each run in a worker: outside of the test runner's bookkeeping of every promise it takes a fifth of the
 * time.
 */
import assert from "node:assert/strict";
import { parentPort, workerData } from "node:worker_threads";
import { CLOCK_SKEW_MS } from "#dist/contracts/storage.js";
import { anonymous, KINDS, OWNED, owned, start, type Kind, type Stage } from "./kinds.js";
import { ADOPTING, checkAdopted, FEW_ADOPTING, unadopted } from "./adopting.js";
import { BEFORE, before, checkApart, DURING, during } from "./impersonation.js";
import type { Work } from "./library.js";
import { awaited, checkOverlap, keepsAll, kindOf, PAIRS, stageOf, type Pair } from "./overlaps.js";
import { checkOwners, checkPromises, type Story } from "./promises.js";
import {
  everySchedule,
  FAULTS,
  interleave,
  MUTANTS,
  type Choose,
  type Fault,
  type FaultAt,
  type Mutant,
} from "./simulation.js";

/** Kinds that meet, on a stage. */
interface Cast {
  readonly kinds: Readonly<Record<string, Kind>>;
  readonly stage: () => Promise<Stage>;
  readonly hasOwners: boolean;
  /** Whether each promise is looked at; else only what is said of owners. */
  readonly isWhole?: boolean;
  /** How many sessions an owner may have. */
  readonly most?: number;
  /** Whether Ann acts as Bob. */
  readonly isActing?: boolean;
  /** What else is looked at in the end. */
  readonly check?: (story: Story) => Promise<void>;
}

const VISITORS: Cast = { kinds: KINDS, stage: anonymous, hasOwners: false };
const OWNERS: Cast = { kinds: OWNED, stage: owned, hasOwners: true };

/** When what a session was renewed from leads to it no more: only the lists do. */
const MARKERS_GONE_MS = 21 * 60_000;

interface Disturbed {
  readonly fault?: FaultAt;
  readonly mutant?: Mutant;
}

/** Who meets. */
type Group = readonly string[];

interface Played {
  /** What came of it: how each ended, and what is stored. */
  readonly end: string;
  /** How many storage calls there were, and which. */
  readonly calls: number;
  readonly labels: readonly string[];
}

/** One story in one order. */
async function play(
  { kinds, stage: prepare, hasOwners, isWhole = true, most = Infinity, isActing = false, check }: Cast,
  group: Group,
  { fault, mutant }: Disturbed,
  choose: Choose,
): Promise<Played> {
  const stage = await prepare();
  const { storage } = stage.world;
  storage.mutant = mutant;
  storage.fault = fault;
  const actors = await interleave(
    stage.world,
    group.map((name) => () => start(name, kinds[name]!, stage)),
    choose,
  );
  const { calls } = storage;
  const labels = [...storage.labels].flatMap(([call, times]) =>
    Array.from({ length: times }, (_, n) => `${call} ${n + 1}`),
  );
  const story = { stage, kinds, actors };
  if (isWhole) checkPromises(story);
  if (isActing) checkApart(story);
  if (check) await check(story);
  const listed = most === Infinity ? 0 : (await stage.world.alone(stage.world.whole.listByOwner("ann"))).length;
  assert.ok(listed <= most, `Owners: ${listed} sessions where ${most} may be: ${actors.map(String).join("; ")}`);
  if (hasOwners) await checkOwners(story, isActing ? MARKERS_GONE_MS : 0);
  const answers = actors.map(({ isGone, error, answer }) =>
    isGone
      ? "gone"
      : (error?.code ??
        (answer === undefined || answer === "removal" ? answer : answer === stage.token ? "old" : "new")),
  );
  const live = stage.world
    .live()
    .map((data) => JSON.stringify(data))
    .sort();
  return { calls, labels, end: JSON.stringify([answers, live]) };
}

/** Whether the reduced search meets whatever the whole one meets. */
async function reductionIsWhole(cast: Cast, groups: readonly Group[]): Promise<string> {
  const counts = [0, 0];
  for (const group of groups) {
    const ends = [new Set<string>(), new Set<string>()] as const;
    for (const [i, isReduced] of [false, true].entries()) {
      counts[i]! += await everySchedule(
        async (choose) => void ends[i]!.add((await play(cast, group, {}, choose)).end),
        isReduced,
      );
    }
    assert.deepEqual([...ends[1]].sort(), [...ends[0]].sort(), `Reduction: ${group.join(", ")}`);
  }
  return `${groups.length} groups, ${counts[1]} schedules instead of ${counts[0]}`;
}

async function inEveryOrder(
  cast: Cast,
  groups: readonly Group[],
  disturbed: Disturbed = {},
  isReduced = false,
): Promise<number> {
  let count = 0;
  for (const group of groups)
    count += await everySchedule(async (choose) => void (await play(cast, group, disturbed, choose)), isReduced);
  return count;
}

/** Every order, with the fault at one storage call after the other. */
async function withFault(cast: Cast, groups: readonly Group[], kind: Fault): Promise<number> {
  let count = 0;
  for (const group of groups) {
    for (let call = 0, reached = true; reached; call++) {
      reached = false;
      count += await everySchedule(async (choose) => {
        const { calls } = await play(cast, group, { fault: { call, kind } }, choose);
        reached ||= calls > call;
      });
    }
  }
  return count;
}

/**
 * The same, with orders that differ only in independent calls tried once. The faults are those calls that any order
 * of the undisturbed story has.
 */
async function reducedWithFault(cast: Cast, groups: readonly Group[], kind: Fault): Promise<number> {
  let count = 0;
  for (const group of groups) {
    const met = new Set<string>();
    await everySchedule(async (choose) => {
      for (const label of (await play(cast, group, {}, choose)).labels) met.add(label);
    }, true);
    for (const label of met)
      count += await everySchedule(
        async (choose) => void (await play(cast, group, { fault: { label, kind } }, choose)),
        true,
      );
  }
  return count;
}

/** Every two, the clock of the second one's server five minutes ahead, and behind. */
async function clocksApart(cast: Cast): Promise<string> {
  const names = Object.keys(cast.kinds).filter((name) => cast.kinds[name]!.ahead === undefined);
  let [groups, schedules] = [0, 0];
  for (const apart of [-CLOCK_SKEW_MS, CLOCK_SKEW_MS]) {
    const moved = names.map((name): [string, Kind] => [
      `${name}, ${apart} ms`,
      { ...cast.kinds[name]!, ahead: apart },
    ]);
    const kinds = { ...cast.kinds, ...Object.fromEntries(moved) };
    const met = names.flatMap((one) => moved.map(([other]): Group => [one, other]));
    groups += met.length;
    schedules += await inEveryOrder({ ...cast, kinds }, met, {}, true);
  }
  return `${groups} groups, ${schedules} schedules, reduced`;
}

/** What the request of a pair meets. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  "a session": ["updater", "login", "destroy", "reset and write"],
  "a session of ann": ["updater", "renewal", "another owner", "end all"],
};

function castOf(pair: Pair): Cast {
  const hasOwners = pair.brought === "a session of ann";
  const name = `${pair.second} during ${pair.first}, with ${pair.brought}`;
  return {
    kinds: { [name]: kindOf(pair, true), ...(hasOwners ? OWNED : KINDS) },
    stage: () => stageOf(pair),
    hasOwners,
    isWhole: keepsAll(pair),
  };
}

/** Every pair of verbs in one request, beside another request. */
async function overlappingBeside(): Promise<string> {
  let [groups, schedules] = [0, 0];
  for (const pair of PAIRS) {
    const cast = castOf(pair);
    const met = (BESIDE[pair.brought] ?? []).map((other): Group => [Object.keys(cast.kinds)[0]!, other]);
    groups += met.length;
    schedules += await inEveryOrder(cast, met, {}, true);
  }
  return `${groups} groups, ${schedules} schedules, reduced`;
}

/** Every pair of verbs in one request, and one of its storage calls fails. */
async function overlappingWithFault(kind: Fault): Promise<string> {
  let schedules = 0;
  for (const pair of PAIRS) {
    const cast = castOf(pair);
    schedules += await reducedWithFault(cast, [[Object.keys(cast.kinds)[0]!]], kind);
  }
  return `${PAIRS.length} pairs, ${schedules} schedules, reduced`;
}

const [OLD_KEY, NEW_KEY] = [1, 2].map((n) => Uint8Array.from({ length: 32 }, (_, i) => i * 7 * n + n)) as [
  Uint8Array,
  Uint8Array,
];

/**
 * Every two of an owner's, the one on a server that seals with a key that the server of the other does not have yet.
 */
async function olderKeyRing(): Promise<string> {
  const updated = Object.entries(OWNED).map(([name, kind]): [string, Kind] => [
    `${name}, updated`,
    { ...kind, keys: [NEW_KEY, OLD_KEY] },
  ]);
  const outdated = Object.entries(OWNED).map(([name, kind]): [string, Kind] => [name, { ...kind, keys: [OLD_KEY] }]);
  const stage = (): Promise<Stage> => owned({ first: [OLD_KEY], all: [NEW_KEY, OLD_KEY] });
  const cast: Cast = { kinds: Object.fromEntries([...updated, ...outdated]), stage, hasOwners: true, isWhole: false };
  const groups = updated.flatMap(([one]) => outdated.map(([other]): Group => [one, other]));
  return `${groups.length} groups, ${await inEveryOrder(cast, groups, {}, true)} schedules, reduced`;
}

const LIMITED_KINDS = ["login elsewhere", "login elsewhere, then waits", "step-up", "destroy", "end all", "renewal"];
/** Where an owner has as many sessions as may be. */
const LIMITED: Cast = {
  ...OWNERS,
  kinds: Object.fromEntries(
    LIMITED_KINDS.map((name) => [name, { ...OWNED[name]!, options: { maxSessionsPerOwner: 1 } }]),
  ),
  isWhole: false,
  most: 1,
};

const alone = ({ kinds }: Cast): Group[] => Object.keys(kinds).map((one) => [one]);

function pairs({ kinds }: Cast): Group[] {
  const names = Object.keys(kinds);
  return names.flatMap((one, i) => names.slice(i).map((other) => [one, other]));
}

/** Ann acts as Bob: where she is herself, and where she acts already. */
const ACTING: readonly Cast[] = [
  { kinds: BEFORE, stage: before, hasOwners: true, isActing: true },
  { kinds: DURING, stage: during, hasOwners: true, isActing: true },
];
const CHANGES = ["acts", "acts and returns", "returns", "writes and returns"];

/** Those that begin or end an impersonation, alone and beside every other; but for one pair that takes too long. */
const changing = (cast: Cast): Group[] =>
  everybody(cast).filter(
    (group) => group.some((one) => CHANGES.includes(one)) && group.join() !== "acts and returns,end all",
  );

/** The same, alone and beside what takes few calls. */
const changingBriefly = (cast: Cast): Group[] =>
  changing(cast).filter((group) => group.length === 1 || group.some((one) => ["updater", "destroy"].includes(one)));

async function impersonating(
  groupsOf: (cast: Cast) => Group[],
  count: (cast: Cast, groups: readonly Group[]) => Promise<number>,
): Promise<string> {
  let [groups, schedules] = [0, 0];
  for (const cast of ACTING) {
    groups += groupsOf(cast).length;
    schedules += await count(cast, groupsOf(cast));
  }
  return `${groups} groups, ${schedules} schedules, reduced`;
}

/** Sessions of another library become ours. */
const ADOPTION: Cast = { kinds: ADOPTING, stage: unadopted, hasOwners: false, isWhole: false, check: checkAdopted };

const everybody = (cast: Cast): Group[] => [...alone(cast), ...pairs(cast)];

const USUAL_KINDS = [
  "reader",
  "refresher",
  "writer",
  "writer of another key",
  "updater",
  "in place",
  "takes once",
  "login",
  "reset",
  "reset and write",
  "destroy",
  "revoke",
  "edit",
];
/** Without what is late, lazy or saves by hand. */
const USUAL: Cast = { ...VISITORS, kinds: Object.fromEntries(USUAL_KINDS.map((name) => [name, KINDS[name]!])) };

const LONG_KINDS = ["step-up, then waits", "login elsewhere, then waits", "refused as another"];
/** Without what takes so many calls that only the reduced search ends. */
const USUAL_OWNERS: Cast = {
  ...OWNERS,
  kinds: Object.fromEntries(Object.entries(OWNED).filter(([name]) => !LONG_KINDS.includes(name))),
};

/** Where an owner's sessions end beside what takes few calls. */
const USUAL_ENDINGS: readonly Group[] = [
  ...alone(USUAL_OWNERS),
  ...["reader", "destroy", "login elsewhere"].map((other) => ["end all", other]),
];

/** Where an owner's sessions begin, change and end beside the end of all. */
const ENDINGS: readonly Group[] = [
  ...alone(OWNERS),
  ...["reader", "destroy", "login elsewhere", "login elsewhere, then waits", "refused as another"].map((other) => [
    "end all",
    other,
  ]),
];
/** The same, with what takes many more calls. */
const LONG_ENDINGS: readonly Group[] = ["renewal", "step-up", "another owner"].map((other) => ["end all", other]);

/** Three at once. */
const TRIPLES: readonly Group[] = [
  ["login", "destroy", "writer"],
  ["login", "revoke", "updater"],
  ["login", "login", "destroy"],
  ["reset and write", "login", "destroy"],
  ["login", "reset", "refresher"],
  ["updater", "updater", "updater"],
  ["writer", "writer of another key", "in place"],
  ["edit", "writer", "destroy"],
  ["late login", "login", "destroy"],
  ["saves twice", "login", "reader"],
];

const CORE = [
  "refresher",
  "writer",
  "writer of another key",
  "updater",
  "login",
  "reset",
  "reset and write",
  "destroy",
  "revoke",
];

/** Every three of the core kinds. */
const ALL_TRIPLES: readonly Group[] = CORE.flatMap((a, i) =>
  CORE.slice(i).flatMap((b, j) => CORE.slice(i + j).map((c) => [a, b, c])),
);
/** In so many proofs, for as many workers. */
const PARTS = 4;

type Proof = () => Promise<string>;

/** Every pair of verbs in one request, the second at every moment of the first: as if the handler had waited. */
async function overlapping(): Promise<string> {
  let count = 0;
  for (const pair of PAIRS) {
    const expected = await awaited(pair);
    const name = `${pair.second} during ${pair.first}, with ${pair.brought}`;
    const kinds = { [name]: kindOf(pair, true) };
    count += await everySchedule(async (choose) => {
      const stage = await stageOf(pair);
      const [actor] = await interleave(stage.world, [() => start(name, kinds[name]!, stage)], choose);
      await checkOverlap(pair, expected, stage, actor!);
      if (keepsAll(pair)) checkPromises({ stage, kinds, actors: [actor!] });
    });
  }
  return `${PAIRS.length} pairs, ${count} schedules`;
}

const undisturbed =
  (cast: Cast, groups: readonly Group[]): Proof =>
  async () =>
    `${groups.length} groups, ${await inEveryOrder(cast, groups)} schedules`;

const undisturbedReduced =
  (cast: Cast, groups: readonly Group[]): Proof =>
  async () =>
    `${groups.length} groups, ${await inEveryOrder(cast, groups, {}, true)} schedules, reduced`;

/** A proof for each fault. */
function disturbed(name: string, cast: Cast, groups: readonly Group[]): [string, Proof][] {
  return FAULTS.map((fault) => [
    `${name}, ${fault}`,
    async () => `${groups.length} groups, ${await withFault(cast, groups, fault)} schedules`,
  ]);
}

/** For storages that are broken: the cheap proofs first, until one notices. */
async function anything(mutant: Mutant): Promise<string> {
  for (const cast of [VISITORS, OWNERS]) await inEveryOrder(cast, everybody(cast), { mutant });
  return "nobody noticed";
}

const PROOFS: Readonly<Record<string, Proof>> = Object.fromEntries([
  ["visitors", undisturbed(VISITORS, everybody(VISITORS))],
  ...disturbed("visitors", VISITORS, everybody(USUAL)),
  ...disturbed("visitors of every kind", VISITORS, everybody(VISITORS)),
  ["owners", undisturbed(USUAL_OWNERS, everybody(USUAL_OWNERS))],
  ["owners of every kind", undisturbedReduced(OWNERS, everybody(OWNERS))],
  ["owners alone", undisturbed(OWNERS, alone(OWNERS))],
  ["an owner's end", undisturbed(USUAL_OWNERS, USUAL_ENDINGS)],
  ["an owner's end beside every kind", undisturbedReduced(OWNERS, [...ENDINGS, ...LONG_ENDINGS])],
  ...FAULTS.map((fault): [string, Proof] => [
    `owners, ${fault}`,
    async () => `${ENDINGS.length} groups, ${await reducedWithFault(OWNERS, ENDINGS, fault)} schedules, reduced`,
  ]),
  ["the reduction, visitors", () => reductionIsWhole(VISITORS, everybody(VISITORS))],
  ["the reduction, owners", () => reductionIsWhole(OWNERS, [...ENDINGS, ...LONG_ENDINGS.slice(0, 1)])],
  ["an older key ring", olderKeyRing],
  ["an owner at the limit", undisturbedReduced(LIMITED, everybody(LIMITED))],
  ["clocks apart, visitors", () => clocksApart(VISITORS)],
  ["clocks apart, owners", () => clocksApart(OWNERS)],
  ...FAULTS.map((fault): [string, Proof] => [
    `every two of an owner's, ${fault}`,
    async () =>
      `${pairs(OWNERS).length} groups, ${await reducedWithFault(OWNERS, pairs(OWNERS), fault)} schedules, reduced`,
  ]),
  ["impersonation", () => impersonating(changing, (cast, groups) => inEveryOrder(cast, groups, {}, true))],
  ...FAULTS.map((fault): [string, Proof] => [
    `impersonation, ${fault}`,
    () => impersonating(changingBriefly, (cast, groups) => reducedWithFault(cast, groups, fault)),
  ]),
  ["adoption", undisturbedReduced(ADOPTION, everybody(ADOPTION))],
  ...FAULTS.map((fault): [string, Proof] => [
    `adoption, ${fault}`,
    async () =>
      `${FEW_ADOPTING.length} groups, ${await reducedWithFault(ADOPTION, FEW_ADOPTING, fault)} schedules, reduced`,
  ]),
  ["adoption in short", undisturbedReduced(ADOPTION, FEW_ADOPTING)],
  ...FAULTS.map((fault): [string, Proof] => [
    `adoption by one, ${fault}`,
    async () => `${await reducedWithFault(ADOPTION, alone(ADOPTION), fault)} schedules, reduced`,
  ]),
  ["verbs that overlap", overlapping],
  ["verbs that overlap, beside another request", overlappingBeside],
  ...FAULTS.map((fault): [string, Proof] => [`verbs that overlap, ${fault}`, () => overlappingWithFault(fault)]),
  ["triples", undisturbed(VISITORS, TRIPLES)],
  ...Array.from({ length: PARTS }, (_, part): [string, Proof] => [
    `all triples, part ${part + 1}`,
    undisturbed(
      VISITORS,
      ALL_TRIPLES.filter((_, i) => i % PARTS === part),
    ),
  ]),
  ...MUTANTS.map((mutant): [string, Proof] => [`a storage whose ${mutant}`, () => anything(mutant)]),
]);

const { proof } = workerData as Work;
PROOFS[proof]!().then(
  (said) => parentPort!.postMessage({ said }),
  (error: Error & { code?: string }) => parentPort!.postMessage({ failure: error.message, code: error.code }),
);
