/**
 * What may happen in a history, as commands of fast-check: each plays on the real code and on the model, and
 * compares.
 */
import fc from "fast-check";
import { hashOf, idOf } from "#dist/session/token.js";
import type { Act } from "./history-overlap.js";
import { OWNERS, show, RealVisit, type History, type Sent, type Visits } from "./history.js";
import { Visit, type Data, type Key, type Verb, type Way } from "./model.js";

export type Command = fc.AsyncCommand<History, History>;

interface Step {
  readonly kind: string;
  /** The command as a sentence of a story. */
  readonly sentence: string;
  readonly isPossible?: (history: Readonly<History>) => boolean;
  readonly play: (history: History) => Promise<void>;
}

/** After every command everything that any token opens is compared. */
function command({ kind, sentence, isPossible = () => true, play }: Step): Command {
  return {
    check: isPossible,
    toString: () => sentence,
    async run(history) {
      history.count(kind);
      history.story.push(sentence);
      await play(history);
      await history.compareTokens();
      await history.compareOwners();
    },
  };
}

/** Who asks what, where, with which token. */
export interface Asked {
  readonly person: string;
  readonly server: number;
  readonly way: Way;
  readonly token: Sent;
  readonly verbs: readonly Verb[];
  /** After the first byte of the answer. */
  readonly body?: readonly Verb[];
}

/** A request from its first byte to its last, or a whole job. */
export function ask(asked: Asked): Command {
  return command({
    kind: asked.way,
    sentence: asking(asked),
    isPossible: (history) => hasToken(history, asked),
    async play(history) {
      const visits = await open(history, asked);
      if (visits) await end(history, visits, asked.body);
    },
  });
}

/** The same in a tab, whose handler goes on while others come and go. */
export function begin(asked: Asked, tab: number): Command {
  const key = tabOf(asked.person, tab);
  return command({
    kind: "begin",
    sentence: `tab ${tab}: ${asking({ ...asked, body: [] })} …`,
    isPossible: (history) => hasToken(history, asked) && !history.tabs.has(key),
    async play(history) {
      const visits = await open(history, asked);
      if (visits) history.tabs.set(key, visits);
    },
  });
}

/** How far the request of a tab goes now. */
export type Until = "goes on" | "answers" | "ends";

/**
 * What others do beside a request takes some time, in ms: more than a session is trusted to be there without looking.
 */
const GOING_ON = 20;

/** The handler of a tab goes on. */
export function goOn({
  person,
  tab,
  verbs,
  until,
}: {
  person: string;
  tab: number;
  verbs: readonly Verb[];
  until: Until;
}): Command {
  const key = tabOf(person, tab);
  return command({
    kind: until,
    sentence: `tab ${tab}: ${person} … ${list(verbs)}; ${until}`,
    isPossible: ({ tabs }) => tabs.has(key) && !(until === "answers" && tabs.get(key)!.isAnswered),
    async play(history) {
      history.shop.now += GOING_ON;
      const visits = history.tabs.get(key)!;
      await perform(history, visits, verbs);
      if (until === "goes on") return;
      const hasBody = await answer(history, visits);
      if (hasBody && until === "answers") return;
      history.tabs.delete(key);
      if (hasBody) await finish(history, visits);
    },
  });
}

/** Time passes. */
export function wait(ms: number): Command {
  return command({ kind: "wait", sentence: `${ms / 1000} s pass`, play: async ({ shop }) => void (shop.now += ms) });
}

/** Somebody copies another's cookie. */
export function steal(thief: string, victim: string): Command {
  return command({
    kind: "steal",
    sentence: `${thief} steals the cookie of ${victim}`,
    isPossible: ({ jars }) => jars.has(victim),
    play: async ({ jars }) => void jars.set(thief, jars.get(victim)!),
  });
}

/** The owner of the shop ends the session of a token. */
export function revoke(server: number, token: number): Command {
  return command({
    kind: "revoke",
    sentence: `server ${server} revokes the session of token ${token}`,
    isPossible: ({ tokens }) => tokens.size > 0,
    async play(history) {
      const name = history.sent("", token)!;
      const seen = await history.shop.servers[server]!.store.delete(idOf(hashOf(history.real(name)!)));
      history.same("whether there was a session", seen, history.model.revoke(name, history.nowAt(server), server));
    },
  });
}

/** The owner of the shop ends all sessions. */
export function clear(server: number): Command {
  return command({
    kind: "clear",
    sentence: `server ${server} ends all sessions`,
    async play({ shop, model }) {
      await shop.servers[server]!.store.clear();
      model.tokens.clear();
    },
  });
}

/** All sessions of an owner end, but that of a person who asks for it. */
export function revokeAll(server: number, owner: string, except: string | undefined): Command {
  return command({
    kind: "revoke all",
    sentence: `server ${server} ends all sessions of ${owner}${except === undefined ? "" : ` but that of ${except}`}`,
    isPossible: ({ jars, model, ...history }) =>
      except === undefined || (jars.has(except) && model.live(jars.get(except)!, history.shop.now) !== undefined),
    async play(history) {
      const spared = except === undefined ? undefined : history.jars.get(except)!;
      const seen = await history.shop.servers[server]!.store.deleteByOwner(
        owner,
        spared === undefined ? {} : { except: idOf(hashOf(history.real(spared)!)) },
      );
      history.same("how many there were", seen, history.model.revokeAll(owner, spared, history.nowAt(server)));
    },
  });
}

/** A session made without a request, whose token is handed to somebody. */
export function create(person: string, server: number, data: Data): Command {
  return command({
    kind: "create",
    sentence: `server ${server} makes a session with ${show(data)} for ${person}`,
    async play(history) {
      const { token } = await history.shop.servers[server]!.store.create(structuredClone(data));
      history.settle(
        person,
        { handed: token },
        { handed: history.model.create(data, history.nowAt(server), server) },
      );
    },
  });
}

async function open(
  history: History,
  { person, server, way, token: which, verbs }: Asked,
): Promise<Visits | undefined> {
  const token = history.sent(person, which);
  const model = new Visit(history.model, way, token, history.nowAt(server), server);
  const real = await RealVisit.open(history.shop.servers[server]!, way, history.real(token));
  history.same("whether it opens", real.isOpen, model.isOpen);
  if (!model.isOpen) {
    history.count("opens nothing");
    return undefined;
  }
  const visits = { real, model, server, person, isAnswered: false };
  await perform(history, visits, verbs);
  return visits;
}

async function perform(history: History, { real, model, server }: Visits, verbs: readonly Verb[]): Promise<void> {
  for (const verb of verbs) {
    history.count(verb.verb);
    const seen = await real.do(verb);
    const expected = model.do(verb, history.nowAt(server));
    if (typeof expected === "string") history.count(`${verb.verb} fails with ${expected}`);
    history.same(verbally(verb), seen, expected);
  }
}

async function end(history: History, visits: Visits, body: readonly Verb[] = []): Promise<void> {
  if (!(await answer(history, visits))) return;
  await perform(history, visits, body);
  await finish(history, visits);
}

/** The answer begins, where it has not yet; tells whether a body follows. */
async function answer(history: History, visits: Visits): Promise<boolean> {
  const { real, model, server, person } = visits;
  if (visits.isAnswered) return true;
  const expected = model.answer(history.nowAt(server));
  history.settle(person, await real.answer(), expected);
  visits.isAnswered = true;
  return model.way === "request" && expected.error === undefined;
}

async function finish(history: History, { real, model, server }: Visits): Promise<void> {
  history.same("the end of the body", await real.finish(), model.finish(history.nowAt(server)));
}

export const hasToken = (history: Readonly<History>, { way, person, token }: Asked): boolean =>
  way === "request" || way === "by hand" || history.sent(person, token) !== undefined;
const tabOf = (person: string, tab: number): string => `${person} ${tab}`;
const list = (verbs: readonly Verb[]): string => verbs.map(verbally).join(", ") || "nothing";

export function asking({ person, server, way, token, verbs, body = [] }: Asked): string {
  const which = token === "own" ? "the own token" : `the old token ${token}`;
  const how = way === "request" ? "asks" : way === "by hand" ? "asks, opened by hand," : `has a job (${way})`;
  return `${person} ${how} on server ${server} with ${which}: ${list(verbs)}${body.length > 0 ? `; after the first byte ${list(body)}` : ""}`;
}

function verbally(verb: Verb): string {
  switch (verb.verb) {
    case "set":
      return `${verb.key} = ${verb.value}`;
    case "push":
      return `list.push(${verb.value})`;
    case "delete":
      return `delete ${verb.key}`;
    case "regenerate":
      return verb.keep ? `regenerate, keeping [${verb.keep.join(", ")}]` : "regenerate";
    case "authenticate":
      return `authenticate as ${verb.owner}`;
    case "setIdleTimeout":
      return `idle timeout ${verb.ms / 1000} s`;
    default:
      return verb.verb;
  }
}

const PEOPLE = ["Ada", "Bob", "Mallory"] as const;
const KEYS: readonly Key[] = ["a", "b", "n", "list"];
const SECOND = 1000;
const MINUTE = 60 * SECOND;

const person = fc.constantFrom(...PEOPLE);
const server = fc.nat({ max: 1 });
const key = fc.constantFrom(...KEYS);
const value = fc.integer({ min: 1, max: 9 });
const sent: fc.Arbitrary<Sent> = fc.oneof(
  { weight: 4, arbitrary: fc.constant("own" as const) },
  { weight: 1, arbitrary: fc.nat({ max: 11 }) },
);
const way: fc.Arbitrary<Way> = fc.oneof(
  { weight: 6, arbitrary: fc.constant("request" as const) },
  { weight: 4, arbitrary: fc.constantFrom("by hand", "token", "id", "edit") },
);
const idle = fc.constantFrom(5 * SECOND, MINUTE, 10 * MINUTE, 120 * MINUTE);

/**
 * Lengths of time around which something changes: a late request, a refresh and the last one, an idle timeout, a
 * marker, an absolute timeout.
 */
const duration = fc
  .tuple(
    fc.constantFrom(
      2 * SECOND,
      5 * SECOND,
      30 * SECOND,
      MINUTE,
      3 * MINUTE,
      10 * MINUTE,
      15 * MINUTE,
      28 * MINUTE,
      30 * MINUTE,
      60 * MINUTE,
    ),
    fc.constantFrom(-1, 0, 1),
  )
  .map(([ms, off]) => ms + off);

const verb: fc.Arbitrary<Verb> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ verb: "look" as const }) },
  { weight: 4, arbitrary: fc.record({ verb: fc.constant("set" as const), key, value }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("push" as const), value }) },
  { weight: 2, arbitrary: fc.constant({ verb: "increment" as const }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("delete" as const), key }) },
  { weight: 2, arbitrary: fc.constant({ verb: "regenerate" as const }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("regenerate" as const), keep: fc.subarray([...KEYS]) }) },
  { weight: 2, arbitrary: fc.constantFrom({ verb: "reset" as const }, { verb: "destroy" as const }) },
  { weight: 2, arbitrary: fc.constant({ verb: "save" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ verb: fc.constant("authenticate" as const), owner: fc.constantFrom(...OWNERS) }),
  },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("setIdleTimeout" as const), ms: idle }) },
);

/** Most requests have no body that changes anything. */
const body: fc.Arbitrary<readonly Verb[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(verb, { minLength: 1, maxLength: 2 }) },
);

const data: fc.Arbitrary<Data> = fc.record({ a: value, n: value }, { requiredKeys: [] });
const asked = fc.record({ person, server, way, token: sent, verbs: fc.array(verb, { maxLength: 4 }), body });
const tab = fc.nat({ max: 1 });

/** Commands of a history in which each request ends before the next begins. */
export const ALONE: fc.Arbitrary<Command>[] = [
  asked.map(ask),
  asked.map(ask),
  asked.map(ask),
  fc
    .record({
      person,
      server,
      token: sent,
      way: fc.constant("request" as const),
      verbs: fc.array(verb, { maxLength: 2 }),
    })
    .map(ask),
  duration.map(wait),
  fc.tuple(person, person).map(([thief, victim]) => steal(thief, victim)),
  fc.tuple(server, fc.nat({ max: 11 })).map(([where, token]) => revoke(where, token)),
  fc.tuple(person, server, data).map((all) => create(...all)),
  fc.tuple(server, fc.constantFrom(...OWNERS), fc.option(person, { nil: undefined })).map((all) => revokeAll(...all)),
];

function until(far: Until): fc.Arbitrary<Command> {
  return fc.record({ person, tab, verbs: fc.array(verb, { maxLength: 2 }), until: fc.constant(far) }).map(goOn);
}

/** Commands of a history in which requests overlap. */
export const BESIDE: fc.Arbitrary<Command>[] = [
  ...ALONE,
  fc.tuple(asked, tab).map(([all, which]) => begin(all, which)),
  fc.tuple(asked, tab).map(([all, which]) => begin(all, which)),
  until("goes on"),
  until("answers"),
  until("ends"),
  until("ends"),
];

export const CLEAR: fc.Arbitrary<Command> = server.map(clear);

/** One of several requests whose storage calls run in any order. */
export const ACT: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      person: fc.constant(PEOPLE[0]),
      server,
      way,
      token: sent,
      verbs: fc.array(verb, { maxLength: 3 }),
      body,
    }),
  },
  { weight: 1, arbitrary: fc.record({ revokes: fc.nat({ max: 11 }), server }) },
);
