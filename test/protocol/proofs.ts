/** Proofs, each run in a worker: outside of the test runner's bookkeeping of every promise it takes a fifth of the time. */
import { parentPort, workerData } from "node:worker_threads";
import { anonymous, KINDS, OWNED, owned, start, type Kind, type Stage } from "./kinds.js";
import type { Work } from "./library.js";
import { checkOwners, checkPromises } from "./promises.js";
import { everySchedule, FAULTS, interleave, MUTANTS, type Fault, type Mutant } from "./simulation.js";

/** Kinds that meet, on a stage. */
interface Cast {
  readonly kinds: Readonly<Record<string, Kind>>;
  readonly stage: () => Promise<Stage>;
  readonly hasOwners: boolean;
}

const VISITORS: Cast = { kinds: KINDS, stage: anonymous, hasOwners: false };
const OWNERS: Cast = { kinds: OWNED, stage: owned, hasOwners: true };

interface Disturbed {
  readonly fault?: { readonly call: number; readonly kind: Fault };
  readonly mutant?: Mutant;
}

/** Who meets. */
type Group = readonly string[];

/** One story in one order; answers how many storage calls there were. */
async function play({ kinds, stage: prepare, hasOwners }: Cast, group: Group, { fault, mutant }: Disturbed, choose: (options: number) => number): Promise<number> {
  const stage = await prepare();
  const { storage } = stage.world;
  storage.mutant = mutant;
  storage.fault = fault;
  const actors = await interleave(stage.world, group.map((name) => () => start(name, kinds[name]!, stage)), choose);
  const { calls } = storage;
  const story = { stage, kinds, actors };
  checkPromises(story);
  if (hasOwners) await checkOwners(story);
  return calls;
}

async function inEveryOrder(cast: Cast, groups: readonly Group[], disturbed: Disturbed = {}): Promise<number> {
  let count = 0;
  for (const group of groups) count += await everySchedule(async (choose) => void (await play(cast, group, disturbed, choose)));
  return count;
}

/** Every order, with the fault at one storage call after the other. */
async function withFault(cast: Cast, groups: readonly Group[], kind: Fault): Promise<number> {
  let count = 0;
  for (const group of groups) {
    for (let call = 0, reached = true; reached; call++) {
      reached = false;
      count += await everySchedule(async (choose) => {
        const calls = await play(cast, group, { fault: { call, kind } }, choose);
        reached ||= calls > call;
      });
    }
  }
  return count;
}

const alone = ({ kinds }: Cast): Group[] => Object.keys(kinds).map((one) => [one]);

function pairs({ kinds }: Cast): Group[] {
  const names = Object.keys(kinds);
  return names.flatMap((one, i) => names.slice(i).map((other) => [one, other]));
}

const everybody = (cast: Cast): Group[] => [...alone(cast), ...pairs(cast)];

const USUAL_KINDS = ["reader", "refresher", "writer", "writer of another key", "updater", "in place", "login", "reset", "reset and write", "destroy", "revoke", "edit"];
/** Without what is late, lazy or saves by hand. */
const USUAL: Cast = { ...VISITORS, kinds: Object.fromEntries(USUAL_KINDS.map((name) => [name, KINDS[name]!])) };

/** Where an owner's sessions begin, change and end beside the end of all. */
const ENDINGS: readonly Group[] = [...alone(OWNERS), ...["reader", "destroy", "login elsewhere"].map((other) => ["end all", other])];
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

const CORE = ["refresher", "writer", "writer of another key", "updater", "login", "reset", "reset and write", "destroy", "revoke"];

/** Every three of the core kinds. */
const ALL_TRIPLES: readonly Group[] = CORE.flatMap((a, i) => CORE.slice(i).flatMap((b, j) => CORE.slice(i + j).map((c) => [a, b, c])));
/** In so many proofs, for as many workers. */
const PARTS = 4;

type Proof = () => Promise<string>;

const undisturbed = (cast: Cast, groups: readonly Group[]): Proof => async () => `${groups.length} groups, ${await inEveryOrder(cast, groups)} schedules`;

/** A proof for each fault. */
function disturbed(name: string, cast: Cast, groups: readonly Group[]): [string, Proof][] {
  return FAULTS.map((fault) => [`${name}, ${fault}`, async () => `${groups.length} groups, ${await withFault(cast, groups, fault)} schedules`]);
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
  ["owners", undisturbed(OWNERS, everybody(OWNERS))],
  ["an owner's end", undisturbed(OWNERS, ENDINGS)],
  ["an owner's end beside longer requests", undisturbed(OWNERS, LONG_ENDINGS)],
  ...disturbed("owners", OWNERS, ENDINGS),
  ["triples", undisturbed(VISITORS, TRIPLES)],
  ...Array.from({ length: PARTS }, (_, part): [string, Proof] => [`all triples, part ${part + 1}`, undisturbed(VISITORS, ALL_TRIPLES.filter((_, i) => i % PARTS === part))]),
  ...MUTANTS.map((mutant): [string, Proof] => [`a storage whose ${mutant}`, () => anything(mutant)]),
]);

const { proof } = workerData as Work;
PROOFS[proof]!().then(
  (said) => parentPort!.postMessage({ said }),
  (error: Error & { code?: string }) => parentPort!.postMessage({ failure: error.message, code: error.code }),
);
