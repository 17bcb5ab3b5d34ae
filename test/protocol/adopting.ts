/** The session of another library becomes ours: who meets there, and what must be true in the end. */
import assert from "node:assert/strict";
import { type Act, type Kind, type Stage } from "./kinds.js";
import { checkSecrets, knownTokens, type Story } from "./promises.js";
import { OLD_KEY, START, World, type Actor } from "./simulation.js";

const one = (n: number): number => n + 1;
const update: Act = (session) => session.update("n", one);
const logOut: Act = (session) => session.destroy();

/** Whoever brings the old cookie, and a server of the old library. */
export const ADOPTING: Readonly<Record<string, Kind>> = {
  "first request": { brings: "old", act: (session) => session.get("n"), quietCalls: 6 },
  "first update": { brings: "old", act: update, increments: 1 },
  "first logout": { brings: "old", act: logOut, ends: true },
  "first login": {
    brings: "old",
    async act(session) {
      await session.regenerate();
      session.set("user", 1);
    },
    renews: true,
  },
  "first update, then another": { brings: "old", act: update, next: update, increments: 2 },
  "first update, then logout": { brings: "old", act: update, next: logOut, ends: true, increments: 1 },
  "write of an old server": {
    async job(_store, { world }, actor) {
      const records = world.storage.old(actor);
      const text = await failing(() => records.get(OLD_KEY));
      if (text !== undefined) await failing(() => records.set(OLD_KEY, text));
      return text !== undefined;
    },
  },
};

/** Where the most can go wrong, in few calls. */
export const FEW_ADOPTING: readonly (readonly string[])[] = [
  ["first request"],
  ["first update", "first update"],
  ["first request", "first logout"],
  ["first request", "first login"],
  ["first update", "write of an old server"],
  ["first request", "first update, then logout"],
];

/** What fails for the old server is its own failure. */
async function failing<T>(work: () => Promise<T>): Promise<T | undefined> {
  return work().catch(() => undefined);
}

/** An old session that nobody has adopted yet: `{ mine: true, n: 0 }`. */
export async function unadopted(): Promise<Stage> {
  const world = new World();
  world.storage.entries.set(OLD_KEY, {
    value: JSON.stringify({ mine: true, n: 0 }),
    expiresAt: Infinity,
    version: 0,
  });
  world.now = START + 10_000;
  return { world, token: "no token", id: "no id", retired: "no retired token", taken: [] };
}

/** One session at most, with every acknowledged write; none after a logout, and none again. */
export async function checkAdopted({ stage, kinds, actors }: Story): Promise<void> {
  const { world } = stage;
  const told = actors.map(String).join("; ");
  for (const actor of actors) {
    assert.ok(actor.isNamed, `P4: a cookie names a session that is not stored: ${told}`);
    const isHonest = !actor.error || ["storage", "timeout", "ended"].includes(actor.error.code);
    assert.ok(isHonest, `P6: an error of another kind: ${actor.error?.code}: ${told}`);
  }
  const wasCalm = world.storage.fault === undefined;
  const [alone] = actors;
  if (wasCalm && actors.length === 1 && kinds[alone!.kind]!.quietCalls !== undefined)
    assert.ok(alone!.calls <= kinds[alone!.kind]!.quietCalls!, `P5: ${alone!.calls} calls: ${told}`);

  world.storage.fault = undefined;
  const later = await afterwards(world);
  const known = knownTokens(stage, [...actors, later]);
  const alive = known.filter((token) => world.dataOf(token)?.["mine"]);
  const isRenewed = actors.some(({ kind }) => kinds[kind]!.renews);
  assert.ok(alive.length <= 1, `P2: the old session was adopted ${alive.length} times: ${told}`);
  if (wasCalm)
    assert.ok(
      world.live().filter(({ mine }) => mine).length <= 1,
      `P2: the old session has become more than one: ${told}`,
    );
  const ended = actors.some((actor) => kinds[actor.kind]!.ends && hasDone(actor, kinds));
  if (ended) assert.deepEqual(alive, [], `P1: an adopted session lives after its logout: ${told}`);
  if (!actors.some(({ kind }) => kinds[kind]!.ends) && !isRenewed) {
    assert.equal(alive.length, 1, `P6: the old session is lost: ${told}`);
    checkCount(world.dataOf(alive[0]!)!["n"] as number, kinds, actors, told);
    for (const actor of actors.filter(({ isFine }) => isFine))
      if (kinds[actor.kind]!.brings) assert.ok(actor.opened, `P6: an empty session instead: ${told}`);
  }
  checkSecrets({ stage, kinds, actors }, known, told);
}

function hasDone(actor: Actor, kinds: Story["kinds"]): boolean {
  const { next } = kinds[actor.kind]!;
  return actor.isFine && actor.opened && (!next || actor.hasFollowed);
}

function checkCount(n: number, kinds: Story["kinds"], actors: readonly Actor[], told: string): void {
  const sum = (some: readonly Actor[]): number =>
    some.reduce((count, { kind }) => count + (kinds[kind]!.increments ?? 0), 0);
  assert.ok(n <= sum(actors), `P3: ${sum(actors)} increments make ${n}: ${told}`);
  const least = sum(actors.filter((actor) => actor.isFine && actor.opened));
  assert.ok(n >= least, `P3: ${least} acknowledged increments make ${n}: ${told}`);
}

/** The client comes once more, with nothing but its old cookie: its token may have been lost with a response. */
function afterwards(world: World): Promise<Actor> {
  return world.alone(world.request("afterwards", (session) => session.get("n"), { isOld: true }));
}
