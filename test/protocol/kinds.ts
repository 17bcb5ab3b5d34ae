/** The kinds of requests and jobs that meet each other, and what each is allowed to do. */
import type { Session, Store } from "holdfast";
import type { RequestSession } from "#dist/session/request-session.js";
import { START, World, type Actor } from "./simulation.js";

/** What a story begins with. */
export interface Stage {
  readonly world: World;
  /** Opens the session `{ mine: true, n: 0, list: [], once: "a code" }`. */
  readonly token: string;
  readonly id: string;
  /** What that token was renewed from, a moment ago. */
  readonly retired: string;
  /** What `take` gave to handlers, one entry for each that got the value. */
  readonly taken: unknown[];
}

export type Act = (session: Session<any>, requestSession: RequestSession, stage: Stage) => unknown;

/** What is done, and what that means for the session. */
export interface Kind {
  /** What a request does with its session; a job has none. */
  readonly act?: Act;
  /** What a job does with a store; answers whether it found the session. */
  readonly job?: (store: Store<any>, stage: Stage, actor: Actor) => Promise<boolean>;
  /** Which token the request brings. Default: the session's. */
  readonly brings?: "retired" | "nothing" | "old";
  /** What the same client does next, with the token that it was answered. */
  readonly next?: Act;
  readonly options?: Readonly<Record<string, unknown>>;
  /** How far the clock of its server is ahead, in ms. */
  readonly ahead?: number;
  readonly isLazy?: boolean;
  /** What its server seals with, and opens. */
  readonly keys?: readonly Uint8Array[];
  /** The old token is dead once it was answered. */
  readonly renews?: true;
  /** The session is dead once it was answered. */
  readonly ends?: true;
  /** How often it adds one to `n`. */
  readonly increments?: number;
  /** A key that is written, once it was answered. */
  readonly writes?: string;
  /** The most storage calls it may make where nobody is in its way. */
  readonly quietCalls?: number;
  /** Whether no cookie may be answered. */
  readonly isSilent?: true;
  /** Ends all sessions of the owner; `others`: but this one. */
  readonly endsOwner?: "all" | "others";
  /** Takes the value that there is once. */
  readonly takes?: true;
  /** It makes the session that of an owner; one that opened none begins with it. */
  readonly authenticates?: true;
  /** It gave up the session it opened before it authenticated, so that its login is a new one. */
  readonly entersAnew?: true;
}

const NEVER_DUE = { refreshInterval: "29m" };
const ALWAYS_DUE = { refreshInterval: 0 };
const one = (n: number): number => n + 1;

const take: Act = async (session, _exchange, { taken }) => {
  const value: unknown = await session.take("once");
  if (value !== undefined) taken.push(value);
};

const login: Act = async (session) => {
  await session.regenerate();
  session.set("user", 1);
};

/** Requests of visitors nobody knows. */
export const KINDS: Readonly<Record<string, Kind>> = {
  reader: { act: (session) => session.get("n"), options: NEVER_DUE, quietCalls: 1 },
  refresher: { act: (session) => session.get("n"), options: ALWAYS_DUE, quietCalls: 2 },
  writer: { act: (session) => session.set("a", 1), writes: "a" },
  "writer of another key": { act: (session) => session.set("b", 1), writes: "b", options: ALWAYS_DUE },
  updater: { act: (session) => session.update("n", one), increments: 1 },
  "in place": { act: (session) => session.get("list")?.push("x") },
  "takes once": { act: take, takes: true },
  "increments and takes": {
    async act(session, requestSession, stage) {
      session.update("n", one);
      await take(session, requestSession, stage);
    },
    takes: true,
    increments: 1,
    options: ALWAYS_DUE,
  },
  "renews and takes": {
    async act(session, requestSession, stage) {
      await session.regenerate();
      await take(session, requestSession, stage);
    },
    takes: true,
    renews: true,
  },
  login: { act: login, renews: true },
  reset: { act: (session) => session.reset(), ends: true },
  "reset and write": {
    async act(session) {
      await session.reset();
      session.set("z", 1);
    },
    ends: true,
    renews: true,
  },
  destroy: { act: (session) => session.destroy(), ends: true },
  revoke: { job: (store, { id }) => store.delete(id), ends: true },
  edit: { job: (store, { id }) => store.edit(id, (session) => session.set("job", 1)), writes: "job" },
  lazy: {
    isLazy: true,
    act: async (_, requestSession) => (await requestSession.open()).update("n", one),
    increments: 1,
  },
  "never asks": { isLazy: true, act: () => {}, quietCalls: 0, isSilent: true },
  "saves twice": {
    async act(session) {
      session.update("n", one);
      await session.save();
      session.update("n", one);
    },
    increments: 2,
  },
  "saves, then waits": {
    async act(session) {
      session.update("n", one);
      await session.save();
      await session.store.getById(session.id);
    },
    increments: 1,
  },
  "saves, then destroys": {
    async act(session) {
      session.update("n", one);
      await session.save();
      await session.destroy();
    },
    ends: true,
    increments: 1,
  },
  "first visit": { brings: "nothing", act: (session) => session.set("v", 1) },
  "late reader": { brings: "retired", act: (session) => session.get("n"), isSilent: true, quietCalls: 1 },
  "late writer": { brings: "retired", act: (session) => session.set("late", 1), isSilent: true, quietCalls: 1 },
  "late login": { brings: "retired", act: login },
  "late writer, by a clock ahead": {
    brings: "retired",
    ahead: 300_000,
    act: (session) => session.set("late", 1),
    isSilent: true,
    quietCalls: 1,
  },
  "late writer, by a clock behind": {
    brings: "retired",
    ahead: -300_000,
    act: (session) => session.set("late", 1),
    isSilent: true,
    quietCalls: 1,
  },
  "login, remembered for a second": { act: login, renews: true, options: { retiredFor: "1s" } },
  "destroy, by a clock ahead": { ahead: 300_000, act: (session) => session.destroy(), ends: true },
  "much too late writer": { brings: "retired", ahead: 600_000, act: (session) => session.set("late", 1) },
  "late logout": { brings: "retired", act: (session) => session.destroy(), isSilent: true },
};

const authenticate =
  (owner: string): Act =>
  (session) =>
    session.authenticate(owner);
/** Does something, and then waits for something else before it answers. */
const thenWaits =
  (act: Act): Act =>
  async (session, requestSession, stage) => {
    await act(session, requestSession, stage);
    await session.store.getById(session.id);
  };

/** Requests of somebody who is logged in, here and elsewhere. */
export const OWNED: Readonly<Record<string, Kind>> = {
  reader: KINDS["reader"]!,
  updater: KINDS["updater"]!,
  renewal: { act: login, renews: true },
  destroy: KINDS["destroy"]!,
  revoke: KINDS["revoke"]!,
  "step-up": { act: authenticate("ann"), renews: true, authenticates: true },
  "another owner": { act: authenticate("bob"), renews: true, ends: true, authenticates: true },
  "step-up, then waits": { act: thenWaits(authenticate("ann")), renews: true, authenticates: true },
  "login elsewhere, then waits": { brings: "nothing", act: thenWaits(authenticate("ann")), authenticates: true },
  "refused as another": {
    async act(session) {
      session.update("n", one);
      await session.authenticate("bob").catch((error: { code?: string }) => {
        if (error.code !== "too-many-sessions") throw error;
      });
    },
    options: { maxSessionsPerOwner: { max: 1, policy: "refuse" } },
    increments: 1,
  },
  "login elsewhere": { brings: "nothing", act: authenticate("ann"), authenticates: true },
  "end all": { job: async (store) => (await store.deleteByOwner("ann")) >= 0, endsOwner: "all", ends: true },
  "end others": {
    job: async (store, { id }) => (await store.deleteByOwner("ann", { except: id })) >= 0,
    endsOwner: "others",
  },
};

/** A session that was renewed ten seconds ago. */
export async function anonymous(): Promise<Stage> {
  const world = new World();
  const session = await world.alone(world.store.create({ mine: true, n: 0, list: [], once: "a code" }));
  const retired = session.token;
  await world.alone(session.regenerate().then(() => session.save()));
  return begun({ world, token: session.token, id: session.id, retired, taken: [] });
}

/** Somebody's session, since a moment ago; sealed with these keys, if any. */
export async function owned(keys?: ConstructorParameters<typeof World>[0]): Promise<Stage> {
  const world = new World(keys);
  const session = await world.alone(world.store.create({ mine: true, n: 0, list: [], once: "a code" }));
  const retired = session.token;
  await world.alone(session.authenticate("ann"));
  await world.alone(world.store.create({}, { owner: "bob" }));
  return begun({ world, token: session.token, id: session.id, retired, taken: [] });
}

function begun(stage: Stage): Stage {
  const { world } = stage;
  world.now = START + 10_000;
  world.storage.labels.clear();
  world.storage.calls = world.storage.executed = world.storage.written.length = 0;
  return stage;
}

/** Starts one of them. */
export function start(name: string, kind: Kind, stage: Stage): Promise<Actor> {
  const { world, token, retired } = stage;
  if (kind.job) return world.job(name, (store, actor) => kind.job!(store, stage, actor), kind.ahead, kind.keys);
  const brought = { retired, nothing: undefined, old: undefined, session: token }[kind.brings ?? "session"];
  return world.request(name, (session, requestSession) => kind.act!(session, requestSession, stage), {
    token: brought,
    options: kind.options ?? {},
    ahead: kind.ahead ?? 0,
    isLazy: kind.isLazy ?? false,
    isOld: kind.brings === "old",
    ...(kind.next && {
      next: (session: Session<any>, requestSession: RequestSession) => kind.next!(session, requestSession, stage),
    }),
    ...(kind.keys && { keys: kind.keys }),
  });
}
