/** Ann acts as Bob, and returns: the kinds of requests that do so, and what must be true in the end. */
import assert from "node:assert/strict";
import { owned, OWNED, type Act, type Kind, type Stage } from "./kinds.js";
import { knownTokens, type Story } from "./promises.js";
import { START } from "./simulation.js";

/** Kinds with what they mean for an impersonation. */
export interface ActingKind extends Kind {
  /** It may begin an impersonation. */
  readonly acts?: true;
  /** It has given the session back to Ann once it was answered. */
  readonly returns?: true;
  /** It ends all sessions of Bob. */
  readonly endsBob?: true;
}

const acts: Act = async (session) => {
  if (session.owner !== "ann") return;
  await session.authenticate("bob", { actor: "ann" });
  session.set("mine", true);
  session.set("n", 0);
  session.set("theirs", 1);
};

const returns: Act = (session) => session.endImpersonation();

const endBob: ActingKind = { job: async (store) => (await store.deleteByOwner("bob")) >= 0, endsBob: true };

/** What meets where Ann is herself. */
export const BEFORE: Readonly<Record<string, ActingKind>> = {
  acts: { act: acts, renews: true, acts: true },
  "acts and returns": {
    async act(session, requestSession, stage) {
      await acts(session, requestSession, stage);
      await session.save();
      await returns(session, requestSession, stage);
    },
    renews: true,
    acts: true,
    returns: true,
  },
  updater: OWNED["updater"]!,
  renewal: { act: (session) => session.regenerate(), renews: true },
  destroy: OWNED["destroy"]!,
  "another owner": OWNED["another owner"]!,
  "end all": OWNED["end all"]!,
  "end all of bob": endBob,
};

/** What meets where Ann acts as Bob. */
export const DURING: Readonly<Record<string, ActingKind>> = {
  returns: { act: returns, renews: true, returns: true },
  "writes and returns": {
    async act(session, requestSession, stage) {
      session.set("theirs", 2);
      await returns(session, requestSession, stage);
      session.set("hers", 2);
    },
    renews: true,
    returns: true,
  },
  updater: OWNED["updater"]!,
  renewal: { act: (session) => session.regenerate(), renews: true },
  destroy: OWNED["destroy"]!,
  revoke: OWNED["revoke"]!,
  "logs in over it": { act: (session) => session.authenticate("ann"), renews: true, ends: true },
  "end all": OWNED["end all"]!,
  "end all of bob": endBob,
};

/** Ann's session. */
export async function before(): Promise<Stage> {
  const stage = await owned();
  await prepared(stage, async (session) => session.set("hers", 1));
  return stage;
}

/** The same session, in which Ann acts as Bob, since a moment ago. */
export async function during(): Promise<Stage> {
  const stage = await owned();
  const session = await prepared(stage, async (own) => {
    own.set("hers", 1);
    await own.authenticate("bob", { actor: "ann" });
    for (const [key, value] of Object.entries({ mine: true, n: 0, list: [], theirs: 1 })) own.set(key, value);
  });
  return { ...stage, retired: stage.token, token: session.token, id: session.id };
}

async function prepared(
  { world, token }: Stage,
  change: (session: any) => Promise<void>,
): Promise<{ token: string; id: string }> {
  const session = (await world.alone(world.store.getByToken(token)))!;
  await world.alone(change(session).then(() => session.save()));
  world.now = START + 20_000;
  world.storage.labels.clear();
  world.storage.calls = world.storage.executed = world.storage.written.length = 0;
  return session;
}

/** Nothing of the one is with the other; who returned has lost nothing; what was ended is gone, for both. */
export function checkApart({ stage, kinds, actors }: Story): void {
  const { world } = stage;
  const told = actors.map(String).join("; ");
  const known = knownTokens(stage, actors);
  for (const token of known) {
    const [data = {}, owner, actor] = [world.dataOf(token), world.ownerOf(token), world.actorOf(token)];
    assert.ok(owner !== "bob" || !("hers" in data), `Apart: Bob has what is Ann's: ${told}`);
    assert.ok(owner !== "ann" || !("theirs" in data), `Apart: Ann has what is Bob's: ${told}`);
    const isBobs = owner === "bob" && (actor === "ann" || actors.some(({ kind }) => kind === "another owner"));
    assert.ok(isBobs || actor === undefined, `Apart: ${actor} acts as ${owner}: ${told}`);
    assert.ok(isBobs || owner !== "bob", `Apart: Ann is Bob, and nobody knows that it is her: ${told}`);
  }
  const fine = actors.filter((one) => one.isFine && one.opened);
  const kindOf = (kind: string): ActingKind => kinds[kind]!;
  const others = actors.filter(({ kind }) => kindOf(kind).ends || kindOf(kind).renews || kindOf(kind).endsBob);
  for (const { kind, answer } of fine) {
    if (!kindOf(kind).returns || others.length > 1) continue;
    const data = world.dataOf(answer!);
    assert.equal(world.ownerOf(answer!), "ann", `Apart: who returned is not herself: ${told}`);
    assert.equal(data?.["mine"], true, `Apart: who returned has lost her session: ${told}`);
    assert.ok(data["hers"] === 1 || kind === "writes and returns", `Apart: who returned has lost a value: ${told}`);
  }
  checkBobsEnd({ stage, kinds, actors }, known, told);
}

/** After all sessions of Bob were ended, no impersonation of him is left that began before. */
function checkBobsEnd({ stage: { world }, kinds, actors }: Story, known: readonly string[], told: string): void {
  const kindOf = (kind: string): ActingKind => kinds[kind]!;
  const ending = actors.find(({ kind, isFine }) => isFine && kindOf(kind).endsBob);
  if (!ending || actors.some(({ kind }) => kind === "another owner")) return;
  const [list = "", written = Infinity] = [...ending.listsWritten][0] ?? [];
  const later = actors.filter(({ kind, listsRead }) => kindOf(kind).acts && listsRead.get(list)! > written);
  const left = known.filter((one) => world.ownerOf(one) === "bob" && !later.some(({ answer }) => answer === one));
  assert.deepEqual(left, [], `Owners: an impersonation lives after all were ended: ${told}`);
}
