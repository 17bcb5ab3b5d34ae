/**
 * Verbs of one session that overlap: a handler that does not wait for the first one before it asks for the second.
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import type { Session } from "holdfast";
import type { RequestSession } from "#dist/session/request-session.js";
import { anonymous, owned, start, type Act, type Kind, type Stage } from "./kinds.js";
import type { Actor } from "./simulation.js";

type Held = { session: any };
type Verb = (held: Held, requestSession: RequestSession) => unknown;

/** Every verb that changes what a session is, and the ways to write. */
const VERBS: Readonly<Record<string, Verb>> = {
  save: ({ session }) => session.save(),
  regenerate: ({ session }) => session.regenerate(),
  "regenerate without data": ({ session }) => session.regenerate([]),
  reset: ({ session }) => session.reset(),
  "reset and write": async ({ session }) => {
    await session.reset();
    session.set("z", 1);
  },
  authenticate: ({ session }) => session.authenticate("ann"),
  "authenticate another": ({ session }) => session.authenticate("bob"),
  destroy: ({ session }) => session.destroy(),
  "take again": async (held, requestSession) => {
    held.session.release();
    held.session = await requestSession.reopen();
  },
  setIdleTimeout: ({ session }) => session.setIdleTimeout("2h"),
  write: ({ session }) => session.set("w", 1),
};

const ENDS = ["reset", "reset and write", "destroy"];
const RENEWS = ["regenerate", "regenerate without data", "authenticate", "authenticate another", "reset and write"];

/**
 * Whether each promise can be looked at: not if what was asked for is given up with the session that was released.
 */
export const keepsAll = ({ second }: Pair): boolean => second !== "take again";

/**
 * Where a request comes from: with nothing, with a visitor's session, with that of ann, with a token that was renewed
 * a moment ago.
 */
export const BROUGHT = ["nothing", "a session", "a session of ann", "retired"] as const;
export type Brought = (typeof BROUGHT)[number];

/** Two verbs, and what the request brings. */
export interface Pair {
  readonly first: string;
  readonly second: string;
  readonly brought: Brought;
}

/** Every pair of verbs, for every start. While a session is taken again there is none to ask. */
export const PAIRS: readonly Pair[] = BROUGHT.flatMap((brought) =>
  Object.keys(VERBS)
    .filter((first) => first !== "take again")
    .flatMap((first) => Object.keys(VERBS).map((second) => ({ first, second, brought }))),
);

export const stageOf = ({ brought }: Pair): Promise<Stage> =>
  brought === "a session of ann" ? owned() : anonymous();

/** A request that does both: one after the other, or the second at any moment of the first. */
export function kindOf({ first, second, brought }: Pair, isOverlapping: boolean): Kind {
  const act: Act = async (session, requestSession, { world }) => {
    const held: Held = { session };
    change(held.session);
    const one = attempt(() => VERBS[first]!(held, requestSession));
    const settled = one.catch(() => {});
    if (isOverlapping) await world.storage.moment();
    else await settled;
    const other = attempt(() => VERBS[second]!(held, requestSession));
    for (const { status, reason } of (await Promise.allSettled([one, other])) as PromiseRejectedResult[])
      if (status === "rejected") throw reason;
  };
  const isNone = brought === "nothing" || brought === "retired";
  const verbs = [first, second];
  return {
    act,
    increments: 1,
    ...(brought === "nothing" && { brings: "nothing" }),
    ...(brought === "retired" && { brings: "retired" }),
    ...(!isNone &&
      verbs.some(
        (verb) => ENDS.includes(verb) || (verb === "authenticate another" && brought === "a session of ann"),
      ) && { ends: true }),
    ...(!isNone && verbs.some((verb) => RENEWS.includes(verb)) && { renews: true }),
    ...([first, second].some((verb) => verb.startsWith("authenticate")) && { authenticates: true }),
    // Between ann and ann it was bob's: what was ann's is given up, and her second login is a new one.
    ...((first.startsWith("reset") || (first === "authenticate another" && second === "authenticate")) && {
      entersAnew: true,
    }),
  };
}

function change(session: Session<any>): void {
  session.update("n", (n: number = 0) => n + 1);
  session.set("early", 1);
}

async function attempt(work: () => unknown): Promise<void> {
  await work();
}

type Picture = Readonly<Record<string, unknown>>;

/** What is there in the end, and what the client was told; how it came to that is no matter. */
async function pictureOf(stage: Stage, actor: Actor): Promise<Picture> {
  const { world, token } = stage;
  const { answer } = actor;
  const told =
    answer === undefined || answer === "removal" ? answer : answer === token ? "the same token" : "a new token";
  const shown = (one: string | undefined): unknown =>
    one === undefined || one === "removal" ? undefined : [world.dataOf(one), world.ownerOf(one), world.expiryOf(one)];
  const lists = await Promise.all(
    ["ann", "bob"].map(async (owner) => (await world.alone(world.store.listByOwner(owner))).length),
  );
  return {
    told,
    opens: shown(answer),
    old: shown(token),
    live: world
      .live()
      .map((data) => JSON.stringify(data))
      .sort(),
    lists,
    error: actor.error?.code,
  };
}

/** How the pair ends if the handler waits for the first verb. */
export async function awaited(pair: Pair): Promise<Picture> {
  const stage = await stageOf(pair);
  const actor = await stage.world.alone(start("both", kindOf(pair, false), stage));
  return pictureOf(stage, actor);
}

/** Throws an AssertionError if the verbs, overlapping, came to something else than one after the other. */
export async function checkOverlap(pair: Pair, awaited: Picture, stage: Stage, actor: Actor): Promise<void> {
  const seen = await pictureOf(stage, actor);
  assert.ok(actor.isNamed, "P4: a cookie names a session that is not stored: " + String(actor));
  const told = `${pair.second} during ${pair.first}, with ${pair.brought}`;
  // Asked for while the session still lived, a verb may come to nothing without an error.
  const expected = seen.error === undefined ? { ...awaited, error: undefined } : awaited;
  assert.ok(
    isDeepStrictEqual(seen, expected),
    `Overlap: ${told}: ${JSON.stringify(seen)} instead of ${JSON.stringify(expected)}`,
  );
}
