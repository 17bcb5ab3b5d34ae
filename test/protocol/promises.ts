/** What is looked at when all have ended: each promise of the README that can be seen there. */
import assert from "node:assert/strict";
import type { Kind, Stage } from "./kinds.js";
import type { Actor } from "./simulation.js";

/** A story that has ended. */
export interface Story {
  readonly stage: Stage;
  readonly kinds: Readonly<Record<string, Kind>>;
  readonly actors: readonly Actor[];
}

const HONEST = ["storage", "timeout", "ended"];

/** Throws an AssertionError that names the promise that was broken. */
export function checkPromises(story: Story): void {
  const { stage, kinds, actors } = story;
  const { world, token } = stage;
  const told = actors.map(String).join("; ");
  const kindOf = (actor: Actor): Kind => kinds[actor.kind]!;
  const fine = actors.filter((actor) => actor.isFine);
  const did = fine.filter((actor) => actor.opened);
  const known = knownTokens(stage, actors);

  for (const actor of actors) assert.ok(actor.isNamed, `P4: a cookie names a session that is not stored: ${told}`);

  const alive = known.filter((one) => world.dataOf(one)?.["mine"]);
  if (did.some((actor) => kindOf(actor).ends)) {
    // A create that failed, took effect too late, or whose process ended may leave a record whose token nobody was
    // ever told.
    const left = world.storage.fault ? alive : world.live().filter(({ mine }) => mine);
    assert.equal(left.length, 0, `P1: an ended session lives: ${told}`);
  }
  for (const renewal of did.filter((actor) => kindOf(actor).renews)) {
    assert.equal(world.dataOf(token), undefined, `P2: the old token opens a session: ${told}`);
    for (const other of actors)
      assert.ok(
        !(other.answer === token && other.at > renewal.at),
        `P2: the old token is answered after the new one: ${told}`,
      );
  }
  assert.ok(alive.length <= 1, `P2: two tokens open the session: ${told}`);
  assert.equal(world.dataOf(stage.retired), undefined, `P2: a token renewed before opens a session: ${told}`);

  checkTaken(story, told);
  checkWrites(
    story,
    alive.map((one) => world.dataOf(one)!),
    told,
  );
  for (const actor of fine) {
    const { quietCalls, isSilent } = kindOf(actor);
    if (isSilent) assert.equal(actor.answer, undefined, `P2: a late request is answered with a cookie: ${told}`);
    if (quietCalls !== undefined && actors.length === 1)
      assert.ok(actor.calls <= quietCalls, `P5: ${actor.calls} storage calls: ${told}`);
  }
  for (const { error } of actors)
    assert.ok(!error || HONEST.includes(error.code), `P6: an error of another kind: ${error?.code}: ${told}`);
  checkSecrets(story, known, told);
}

/** Every token that a client was told. */
export function knownTokens({ token, retired }: Stage, actors: readonly Actor[]): string[] {
  const answered = actors
    .map(({ answer }) => answer)
    .filter((answer) => answer !== undefined && answer !== "removal");
  return [...new Set([token, retired, ...(answered as string[])])];
}

function checkWrites({ stage, kinds, actors }: Story, alive: readonly Record<string, unknown>[], told: string): void {
  const sum = (some: readonly Actor[]): number =>
    some.reduce((count, { kind }) => count + (kinds[kind]!.increments ?? 0), 0);
  for (const data of alive)
    assert.ok(
      (data["n"] as number) <= sum(actors),
      `P3: ${sum(actors)} increments make ${String(data["n"])}: ${told}`,
    );
  if (actors.some(({ kind }) => kinds[kind]!.renews || kinds[kind]!.ends)) return;
  const data = stage.world.dataOf(stage.token);
  assert.ok(data?.["mine"], `P6: the session is gone, or another is in its place: ${told}`);
  const done = actors.filter((actor) => actor.isFine && actor.opened);
  for (const actor of actors.filter(({ isFine }) => isFine)) {
    const { brings, isLazy } = kinds[actor.kind]!;
    if (!brings && !isLazy) assert.ok(actor.opened, `P6: an empty session in the place of a real one: ${told}`);
  }
  const lazy = actors.filter((actor) => actor.isFine && kinds[actor.kind]!.isLazy);
  for (const { kind } of done)
    if (kinds[kind]!.writes) assert.ok(data[kinds[kind]!.writes] === 1, `P3: a write is lost: ${told}`);
  const least = sum([...done, ...lazy]);
  assert.ok(
    (data["n"] as number) >= least,
    `P3: ${least} acknowledged increments make ${String(data["n"])}: ${told}`,
  );
}

/** A value that is taken is given to one, and then it is gone. */
function checkTaken({ stage: { world, token, taken }, kinds, actors }: Story, told: string): void {
  assert.ok(taken.length <= 1, `P3: a value was given away ${taken.length} times: ${told}`);
  const others = actors.filter(({ kind }) => kinds[kind]!.ends || kinds[kind]!.renews);
  const takers = actors.filter((actor) => kinds[actor.kind]!.takes && actor.isFine && actor.opened);
  if (others.length > 0 || takers.length === 0) return;
  assert.equal(world.dataOf(token)?.["once"], undefined, `P3: a value is there that was taken: ${told}`);
  if (actors.every(({ isFine }) => isFine)) assert.equal(taken.length, 1, `P3: a value was taken by nobody: ${told}`);
}

/** No token anywhere but with the client. */
export function checkSecrets({ stage: { world }, actors }: Story, known: readonly string[], told: string): void {
  const everything = [
    ...world.storage.written,
    ...world.events.map((event) => JSON.stringify({ ...event, cause: String(event.cause) })),
    ...actors.map(({ error }) => `${error?.message} ${String(error?.cause)}`),
  ].join("\n");
  for (const token of known)
    assert.ok(!everything.includes(token), `P7: a token is in the storage, an event or an error: ${told}`);
}

/**
 * After all sessions of an owner were ended: what was there before, and what came of it, is gone; and the next time
 * finds every session that is left, also when it is so much later, in ms.
 */
export async function checkOwners({ stage, kinds, actors }: Story, later: number = 0): Promise<void> {
  const { world, token } = stage;
  const told = actors.map(String).join("; ");
  const isAnns = (one: string): boolean => world.ownerOf(one) === "ann" || world.actorOf(one) === "ann";
  const known = knownTokens(stage, actors);
  const ending = actors.find((actor) => actor.isFine && kinds[actor.kind]!.endsOwner);
  if (ending) {
    const entered = actors.filter(
      (actor) =>
        kinds[actor.kind]!.authenticates &&
        (!actor.opened || kinds[actor.kind]!.entersAnew) &&
        actor.answer !== undefined,
    );
    // The only list that it writes is the one it ends.
    const [list = "", written = Infinity] = [...ending.listsWritten][0] ?? [];
    const begunLater = entered.filter((actor) => actor.listsRead.get(list)! > written).map(({ answer }) => answer!);
    const family = known.filter((one) => !entered.some(({ answer }) => answer === one));
    const spared = kinds[ending.kind]!.endsOwner === "others" ? family : [];
    const left = known.filter((one) => isAnns(one) && !begunLater.includes(one) && !spared.includes(one));
    assert.deepEqual(left, [], `Owners: a session lives after all were ended: ${told}`);
    if (spared.length > 0 && actors.length === 1)
      assert.ok(isAnns(token), `Owners: the session that was to be spared is gone: ${told}`);
  }
  for (const { kind, answer, isFine } of actors) {
    const isAlone = !actors.some((one) => kinds[one.kind]!.ends && one.kind !== kind && !kinds[one.kind]!.endsOwner);
    if (ending && isFine && answer && isAlone && kind === "another owner")
      assert.equal(world.ownerOf(answer), "bob", `Owners: the session of another was ended: ${told}`);
  }
  world.storage.fault = undefined;
  world.now += later;
  await world.alone(world.whole.deleteByOwner("ann"));
  assert.deepEqual(known.filter(isAnns), [], `Owners: a session is on no list: ${told}`);
}
