/**
 * Requests whose storage calls run in any order: what clients see must be what some order of whole steps shows on the
 * model.
 */
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { hashOf, idOf } from "#dist/session/token.js";
import { asking, hasToken, type Asked } from "./history-commands.js";
import { RealVisit, show, type History } from "./history.js";
import type { HistoryStorage } from "./history-storages.js";
import { Visit, type Ending, type Model, type Verb } from "./model.js";
import { interleave, type Choose } from "./simulation.js";

/** One of several requests under way: a visit, or the end of a session by its owner. */
export type Act = Asked | { readonly revokes: number; readonly server: number };

/** What was seen of one act: what its verbs answered, and how it ended. */
interface Seen {
  readonly seen: unknown[];
  readonly end?: Ending | undefined;
  readonly revoked?: boolean;
}

/**
 * What can be seen of all acts, and what each token opens afterwards; a token that no client knew before is "new".
 */
interface Picture {
  readonly acts: readonly Seen[];
  readonly opens: readonly unknown[];
}

/**
 * Plays the acts side by side, with one storage call at a time as `choose` says, and looks for an order on the model
 * that shows the same.
 */
export async function overlap(
  history: History,
  storage: HistoryStorage,
  wanted: readonly Act[],
  choose: Choose,
): Promise<void> {
  const acts = wanted.filter((act) => "revokes" in act || hasToken(history, act));
  for (const act of acts)
    history.story.push(
      `side by side: ${"revokes" in act ? `server ${act.server} revokes the session of token ${act.revokes}` : asking(act)}`,
    );
  const before = history.model.clone();
  const real = await picture(history, await played(history, storage, acts, choose));
  let closest: Picture | undefined;
  for (const order of orders(acts.map(lengthOf))) {
    const expected = pictureOf(history, before.clone(), acts, order);
    if (isDeepStrictEqual(expected, real)) return history.count(`${acts.length} call by call`);
    closest ??= expected;
  }
  assert.fail(
    `no order of the acts shows what was seen: ${show(real)}; one after the other they show ${show(closest)}`,
  );
}

async function played(
  history: History,
  storage: HistoryStorage,
  acts: readonly Act[],
  choose: Choose,
): Promise<Seen[]> {
  storage.hold();
  try {
    return await interleave(
      { storage },
      acts.map((act) => () => perform(history, act)),
      choose,
    );
  } finally {
    storage.flow();
  }
}

async function perform(history: History, act: Act): Promise<Seen> {
  const server = history.shop.servers[act.server]!;
  if ("revokes" in act)
    return {
      seen: [],
      revoked: await server.store.delete(idOf(hashOf(history.real(history.sent("", act.revokes))!))),
    };
  const visit = await RealVisit.open(server, act.way, history.real(history.sent(act.person, act.token)));
  const seen: unknown[] = [visit.isOpen];
  let end: Ending | undefined;
  for (const deed of visit.isOpen ? deedsOf(act) : []) {
    if (end?.error !== undefined) break;
    if (deed === "answer") end = await visit.answer();
    else note(seen, deed, await (deed === "finish" ? visit.finish() : visit.do(deed)));
  }
  return { seen, end };
}

/**
 * After a verb that failed the data may be what was there before it, or what it met: either is right, and not
 * compared.
 */
function note(seen: unknown[], deed: Deed, answer: unknown): void {
  const hasFailed = seen.some((one) => typeof one === "string");
  seen.push(hasFailed && typeof deed === "object" && deed.verb === "look" ? "either" : answer);
}

/** All that is done in a visit, in its order. */
type Deed = Verb | "answer" | "finish";

function deedsOf({ way, verbs, body = [] }: Asked): readonly Deed[] {
  return way === "request" && body.length > 0 ? [...verbs, "answer", ...body, "finish"] : [...verbs, "answer"];
}

/** The real picture, with the model's names for the tokens that were known before. */
async function picture(history: History, acts: readonly Seen[]): Promise<Picture> {
  const names = new Map([...history.tokens].map(([name, token]) => [token, name]));
  const fresh = acts.flatMap(({ end }) => newTokens(end, (token) => !names.has(token)));
  const opens = await Promise.all([...history.tokens.values(), ...fresh].map((token) => history.opens(0, token)));
  return { acts: acts.map((act) => renamed(act, (token) => names.get(token) ?? "new")), opens };
}

function pictureOf(history: History, model: Model, acts: readonly Act[], order: readonly number[]): Picture {
  const seen: Seen[] = [];
  const steps = acts.map((act, index) => stepsOf(history, model, act, (one) => (seen[index] = one)));
  for (const index of order) steps[index]!.shift()!();
  const isKnown = (token: string): boolean => history.tokens.has(token);
  const fresh = seen.flatMap(({ end }) => newTokens(end, (token) => !isKnown(token)));
  const opens = [...history.tokens.keys(), ...fresh].map((token) => history.expected(model, 0, token));
  return { acts: seen.map((act) => renamed(act, (token) => (isKnown(token) ? token : "new"))), opens };
}

const persists = (deed: Deed): boolean =>
  typeof deed === "string" || ["save", "destroy", "authenticate"].includes(deed.verb);

/** Into how many steps an act falls that others may come between: opening, and whatever persists. */
function lengthOf(act: Act): number {
  return "revokes" in act ? 2 : 1 + deedsOf(act).filter(persists).length;
}

function stepsOf(history: History, model: Model, act: Act, done: (seen: Seen) => void): (() => void)[] {
  const now = history.nowAt(act.server);
  return "revokes" in act
    ? revocation(history.sent("", act.revokes)!, model, now, act.server, done)
    : visiting(history, model, act, now, done);
}

function revocation(
  token: string,
  model: Model,
  now: number,
  server: number,
  done: (seen: Seen) => void,
): (() => void)[] {
  let [isStored, revoked] = [false, false];
  return [
    () => {
      const renewed = model.renewedTo(token, now, server);
      [isStored, revoked] = [model.stored(renewed) !== undefined, model.live(renewed, now) !== undefined];
    },
    () => {
      if (isStored) model.end(token);
      done({ seen: [], revoked });
    },
  ];
}

function visiting(
  history: History,
  model: Model,
  act: Asked,
  now: number,
  done: (seen: Seen) => void,
): (() => void)[] {
  const seen: unknown[] = [];
  const rest = [...deedsOf(act)];
  let visit: Visit | undefined;
  let end: Ending | undefined;
  const next = (): void => {
    const deed = rest.shift()!;
    if (deed === "answer") end = visit!.answer(now);
    else note(seen, deed, deed === "finish" ? visit!.finish(now) : visit!.do(deed, now));
    if (end?.error !== undefined) rest.length = 0;
  };
  const goOn = (): void => {
    while (rest.length > 0 && !persists(rest[0]!)) next();
    done({ seen, end });
  };
  const begin = (): void => {
    visit = new Visit(model, act.way, history.sent(act.person, act.token), now, act.server);
    seen.push(visit.isOpen);
    if (!visit.isOpen) rest.length = 0;
    goOn();
  };
  const persist = (): void => {
    if (rest.length > 0) next();
    goOn();
  };
  return [begin, ...rest.filter(persists).map(() => persist)];
}

/** Every order of so many steps of each act. */
function* orders(left: readonly number[]): Generator<number[]> {
  if (left.every((steps) => steps === 0)) yield [];
  for (const [index, steps] of left.entries()) {
    if (steps === 0) continue;
    for (const rest of orders(left.with(index, steps - 1))) yield [index, ...rest];
  }
}

function newTokens({ cookie, handed }: Ending = {}, isNew: (token: string) => boolean): string[] {
  return [typeof cookie === "object" ? cookie.token : undefined, handed].filter(
    (token): token is string => token !== undefined && isNew(token),
  );
}

function renamed(act: Seen, name: (token: string) => string): Seen {
  if (!act.end) return act;
  const { cookie, handed, ...end } = act.end;
  return {
    ...act,
    end: {
      ...end,
      ...(cookie && { cookie: typeof cookie === "object" ? { ...cookie, token: name(cookie.token) } : cookie }),
      ...(handed !== undefined && { handed: name(handed) }),
    },
  };
}
