/** What the clients of a soak ask for, and what a server does and tells then. */
import type { Session, Store } from "holdfast";
import { aWhile } from "../../support/within.js";

/** What a session holds. `set:` and `pad:` are followed by the name of the one tab that writes there. */
export interface Data {
  /** The word of the request that began the session: what it is known by, whatever its token. */
  origin: string;
  /** Who began it. */
  person: string;
  user: string;
  count: number;
  words: string[];
  [set: `set:${string}`]: string;
  [pad: `pad:${string}`]: Pad;
}

/** Changed in place. */
export interface Pad {
  last: string;
  times: number;
}

/** What a client does with its own session. */
export type Act =
  | "read"
  | "increment"
  | "twice"
  | "late"
  | "set"
  | "change"
  | "login"
  | "signin"
  | "logout"
  | "reset"
  | "forget";
/** What is done from outside of any request of the session. */
export type Job = "edit" | "revoke" | OwnerJob;
/** What is done to all sessions in which a person is signed in. */
export type OwnerJob = "everywhere" | "list";

export interface Ask {
  readonly act: Act | Job;
  /** The name of this request, which it leaves in what it writes. */
  readonly word: string;
  readonly person: string;
  readonly tab: string;
  /** How long the handler stands between reading and writing, in ms. */
  readonly park: number;
  /** The session of a job. */
  readonly id?: string | undefined;
}

/** The body of an answer. */
export interface Told {
  /** The session as it was loaded. */
  readonly seen?: Partial<Data>;
  /** The session as the request leaves it. */
  readonly origin?: string | undefined;
  readonly person?: string | undefined;
  /** Whether a job found its session and was done. */
  readonly done?: boolean;
  /** The origins of the sessions in which a person is signed in. */
  readonly listed?: readonly string[];
}

/** The words an increment leaves: one for each time it counts. */
export function wordsOf({ act, word }: Pick<Ask, "act" | "word">): readonly string[] {
  if (act === "twice") return [word, `${word}+`];
  return act === "increment" || act === "late" || act === "edit" ? [word] : [];
}

/** The key that a request sets or changes in place. */
export function keyOf({ act, tab }: Pick<Ask, "act" | "tab">): `set:${string}` | `pad:${string}` | undefined {
  if (act === "set") return `set:${tab}`;
  return act === "change" ? `pad:${tab}` : undefined;
}

/** What each act does between reading and answering. `late` writes after its first byte. */
export const ACTS: Readonly<Record<Exclude<Act, "late">, (session: Session<Data>, ask: Ask) => unknown>> = {
  read: () => {},
  increment(session, ask) {
    begin(session, ask);
    increment(session, ask.word);
  },
  async twice(session, ask) {
    const [first, second] = wordsOf(ask);
    begin(session, ask);
    increment(session, first!);
    await session.save();
    await aWhile(ask.park);
    increment(session, second!);
  },
  set(session, ask) {
    begin(session, ask);
    session.set(`set:${ask.tab}`, ask.word);
  },
  change(session, ask) {
    begin(session, ask);
    const pad = session.get(`pad:${ask.tab}`);
    if (!pad) return session.set(`pad:${ask.tab}`, { last: ask.word, times: 1 });
    pad.last = ask.word;
    pad.times += 1;
  },
  async login(session, ask) {
    await session.regenerate();
    begin(session, ask);
    session.set("user", ask.person);
  },
  async signin(session, ask) {
    await session.authenticate(ask.person, { info: { origin: session.get("origin") ?? ask.word } });
    begin(session, ask);
  },
  logout: (session) => session.destroy(),
  async reset(session, ask) {
    await session.reset();
    begin(session, ask);
  },
  forget: (session) => session.reset(),
};

function begin(session: Session<Data>, { word, person }: Ask): void {
  if (session.has("origin")) return;
  session.set("origin", word);
  session.set("person", person);
}

/** Counts once, and leaves a word that says so. */
export function increment(session: Session<Data>, word: string): void {
  session.update("count", (count = 0) => count + 1);
  session.update("words", (words = []) => [...words, word]);
}

/** The data of a session as it is now: nothing that happens later changes it. */
export function snapshot(session: Session<Data>): Partial<Data> {
  return structuredClone(session.toJSON());
}

/** Whose session a request leaves behind. */
export function whose(session: Session<Data>): Pick<Told, "origin" | "person"> {
  const origin = session.get("origin");
  return origin === undefined ? {} : { origin, person: session.get("person") };
}

/** True if the request is about the sessions of others. */
export function isJob(act: Act | Job): act is Job {
  return act === "edit" || act === "revoke" || isOwnerJob(act);
}

/** True if the request is about all sessions of a person. */
export function isOwnerJob(act: Act | Job): act is OwnerJob {
  return act === "everywhere" || act === "list";
}

/** Changes, ends or lists the sessions of somebody who is not asking. */
export async function work(store: Store<Data>, { act, id, word, park, person }: Ask): Promise<Told> {
  if (act === "everywhere") return { done: (await store.deleteByOwner(person)) > 0 };
  if (act === "list") return { listed: (await store.listByOwner(person)).map(({ info }) => info!.origin as string) };
  if (act === "revoke") return { done: await store.delete(id!) };
  let seen: Partial<Data> = {};
  const done = await store.edit(id!, async (session) => {
    seen = snapshot(session);
    await aWhile(park);
    increment(session, word);
  });
  return { done, seen };
}
