/**
 * Random histories: what people and their thieves do, on several servers, on the real code and on the model side by
 * side.
 */
import assert from "node:assert/strict";
import { SessionError, type Clock, type Session, type Storage, type Store, type StoredSession } from "holdfast";
import { RequestSession } from "#dist/session/request-session.js";
import { openSession } from "#dist/session/lookup.js";
import { requestSettings, type RequestSettings } from "#dist/session/request-options.js";
import { hashOf, idOf } from "#dist/session/token.js";
import { FakeHeaders, viewOf } from "../unit/world.js";
import { instantClock, START } from "./simulation.js";
import { Model, type Visit, type Ending, type Times, type Verb, type Way } from "./model.js";

type AnySession = Session<any>;

export const OWNERS = ["ada", "bob"] as const;

/** One of several servers over one storage; its clock is a little off. */
export interface Server {
  readonly settings: RequestSettings;
  readonly store: Store<any>;
  readonly clock: Clock;
}

export interface Setting {
  readonly times: Times;
  /** By how much the clock of each server is off, in ms. */
  readonly skews: readonly number[];
}

/** The real code. */
export class Shop {
  readonly servers: readonly Server[];
  readonly storage: Storage;
  now = START;

  constructor(
    storage: Storage,
    { times, skews }: Setting,
    clockOf: (clock: Clock, index: number) => Clock = (clock) => clock,
  ) {
    this.storage = storage;
    this.servers = skews.map((skew, index) => {
      const clock = clockOf(
        instantClock(() => this.now + skew),
        index,
      );
      const { idle, absolute, refreshInterval } = times;
      const settings = requestSettings([
        {
          storage,
          clock,
          idleTimeout: idle,
          refreshInterval,
          ...(absolute !== undefined && { absoluteTimeout: absolute }),
        },
      ]);
      return { settings, store: settings.store!, clock };
    });
  }

  /** The clock of a server, as it ought to be. */
  nowAt(index: number, { skews }: Setting): number {
    return this.now + skews[index]!;
  }
}

/** A visit of the real code. */
export class RealVisit {
  readonly #way: Way;
  readonly #server: Server;
  readonly #token: string | undefined;
  readonly #headers = new FakeHeaders();
  #requestSession: RequestSession | undefined;
  #session: StoredSession<any> | AnySession | undefined;
  #handed: string | undefined;
  #edit: { readonly done: Promise<boolean>; readonly finish: () => void } | undefined;

  private constructor(server: Server, way: Way, token: string | undefined) {
    this.#server = server;
    this.#way = way;
    this.#token = token;
  }

  static async open(server: Server, way: Way, token: string | undefined): Promise<RealVisit> {
    const visit = new RealVisit(server, way, token);
    await visit.#open();
    return visit;
  }

  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  async do(verb: Verb): Promise<unknown> {
    try {
      const seen = await perform(this.#session!, verb);
      if ((verb.verb === "save" || verb.verb === "authenticate") && this.#isCallers) this.#noteHanded();
      return seen;
    } catch (error) {
      return codeOf(error);
    }
  }

  async answer(): Promise<Ending> {
    try {
      if (this.#edit) return { saved: await this.#finishEdit() };
      await this.#requestSession?.commit();
      this.#requestSession?.writeHeaders(this.#headers);
      if (!this.#requestSession) (this.#session as StoredSession<any>).release();
      const cookie = cookieOf(this.#headers.lines);
      return { ...(cookie && { cookie }), ...(this.#handed !== undefined && { handed: this.#handed }) };
    } catch (error) {
      return { error: codeOf(error) };
    }
  }

  /** The last byte of an answer. */
  async finish(): Promise<Ending> {
    try {
      await this.#requestSession?.finish();
      return {};
    } catch (error) {
      return { error: codeOf(error) };
    }
  }

  async #open(): Promise<void> {
    const { settings, store } = this.#server;
    const token = this.#token;
    const view = viewOf(token === undefined ? {} : { cookie: `session_id=${token}` });
    switch (this.#way) {
      case "request":
        this.#requestSession = new RequestSession(settings, store, view);
        this.#session = await this.#requestSession.open();
        return;
      case "by hand":
        this.#session = await openSession(settings, [], view, {}, this.#headers);
        return;
      case "token":
        this.#session = await store.getByToken(token!);
        return;
      case "id":
        this.#session = await store.getById(idOf(hashOf(token!)));
        return;
      case "edit":
        return this.#openEdit();
    }
  }

  /** Opens with `store.edit`, whose callback stays open until the end of the visit. */
  async #openEdit(): Promise<void> {
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => (finish = resolve));
    await new Promise<void>((resolve, reject) => {
      const done = this.#server.store.edit(idOf(hashOf(this.#token!)), (session) => {
        this.#session = session;
        resolve();
        return finished;
      });
      this.#edit = { done, finish };
      done.then(() => resolve(), reject);
    });
  }

  #finishEdit(): Promise<boolean> {
    this.#edit!.finish();
    return this.#edit!.done;
  }

  get #isCallers(): boolean {
    return this.#way === "token" || this.#way === "id";
  }

  /** A session that was opened by its id knows its token only once it is a new one. */
  #noteHanded(): void {
    if (this.#way === "id" && !this.#session!.fresh) return;
    const { token } = this.#session!;
    if (token !== this.#token) this.#handed = token;
  }
}

function codeOf(error: unknown): string {
  if (error instanceof SessionError) return error.code;
  if (error instanceof RangeError) return "range";
  throw error;
}

function cookieOf(lines: readonly string[]): Ending["cookie"] {
  assert.ok(lines.length <= 1, `several cookies: ${lines.length}`);
  const [, token, maxAge] = /^session_id=([^;]*); Max-Age=(\d+)/.exec(lines[0] ?? "") ?? [];
  if (token === undefined) return undefined;
  return token === "" ? "removal" : { token, maxAge: Number(maxAge) };
}

async function perform(session: AnySession, verb: Verb): Promise<unknown> {
  switch (verb.verb) {
    case "look":
      return { ...structuredClone(session.toJSON()), fresh: session.fresh };
    case "set":
      return session.set(verb.key, verb.key === "list" ? [verb.value] : verb.value);
    case "push":
      return push(session, verb.value);
    case "increment":
      return session.update("n", (n: number = 0) => n + 1);
    case "delete":
      return session.delete(verb.key);
    case "setIdleTimeout":
      return session.setIdleTimeout(verb.ms);
    case "regenerate":
      return session.regenerate(verb.keep);
    case "authenticate":
      return session.authenticate(verb.owner);
    default:
      return session[verb.verb]();
  }
}

/** A change in place, where there is something to change. */
function push(session: AnySession, value: number): void {
  const list = session.get("list") as number[] | undefined;
  if (list) list.push(value);
  else session.set("list", [value]);
}

/** A request under way, on the real code and on the model. */
export interface Visits {
  readonly real: RealVisit;
  readonly model: Visit;
  readonly server: number;
  readonly person: string;
  /** Whether its answer has begun. */
  isAnswered: boolean;
}

/** One history: the real code, the model, what people hold, and what was seen so far, as sentences. */
export class History {
  readonly setting: Setting;
  readonly shop: Shop;
  readonly model: Model;
  /** The token of each person's cookie jar, by the model's name. */
  readonly jars = new Map<string, string>();
  /** Requests under way, by tab. */
  readonly tabs = new Map<string, Visits>();
  /** The real tokens of the model's, in the order in which clients learned them. */
  readonly tokens = new Map<string, string>();
  readonly story: string[] = [];
  readonly counts: Map<string, number>;

  constructor(
    setting: Setting,
    storage: Storage,
    { counts, clockOf, modelOf = (times) => new Model(times) }: Playing,
  ) {
    this.setting = setting;
    this.shop = new Shop(storage, setting, clockOf);
    this.model = modelOf(setting.times);
    this.counts = counts;
  }

  nowAt(server: number): number {
    return this.shop.nowAt(server, this.setting);
  }

  /** The token that somebody sends: their own, or one of all that were ever known. */
  sent(person: string, token: Sent): string | undefined {
    return token === "own" ? this.jars.get(person) : [...this.tokens.keys()][token % Math.max(1, this.tokens.size)];
  }

  real(token: string | undefined): string | undefined {
    return token === undefined ? undefined : this.tokens.get(token)!;
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  tell(sentence: string): void {
    this.story.push(sentence);
  }

  /** Compares what the real code showed with what the model expects. */
  same(what: string, seen: unknown, expected: unknown): void {
    assert.deepEqual(seen, expected, `${what}: seen ${show(seen)}, expected ${show(expected)}`);
  }

  /** Compares how a visit ended, learns its new token, and puts it into the client's jar. */
  settle(person: string, seen: Ending, expected: Ending): void {
    this.same("the end", this.#named(seen, expected), expected);
    this.count(kindOf(expected));
    const { cookie, handed } = expected;
    if (cookie === "removal") this.jars.delete(person);
    else if (cookie) this.jars.set(person, cookie.token);
    if (handed !== undefined) this.jars.set(person, handed);
  }

  /** Compares what every token that was ever known opens, on every server. */
  async compareTokens(): Promise<void> {
    for (const server of this.shop.servers.keys()) {
      for (const [name, token] of this.tokens) {
        this.same(
          `what ${name} opens on server ${server}`,
          await this.opens(server, token),
          this.expected(this.model, server, name),
        );
      }
    }
  }

  /** Compares whose sessions are whose, as every server lists them. */
  async compareOwners(): Promise<void> {
    const names = new Map([...this.tokens].map(([name, token]) => [idOf(hashOf(token)), name]));
    for (const [server, { store }] of this.shop.servers.entries()) {
      for (const owner of OWNERS) {
        const seen = (await store.listByOwner(owner)).map(({ id }) => names.get(id) ?? "one that no client knows");
        const expected = this.model
          .ownedBy(owner, this.nowAt(server))
          .map((token) => (this.tokens.has(token) ? token : "one that no client knows"));
        this.same(`the sessions of ${owner} on server ${server}`, seen.sort(), expected.sort());
      }
    }
  }

  /** What a real token opens. */
  async opens(server: number, token: string): Promise<unknown> {
    const session = await this.shop.servers[server]!.store.getByToken(token);
    return (
      session && {
        data: session.toJSON(),
        owner: session.owner,
        expiresAt: session.idleExpiresAt,
        absolute: session.absoluteExpiresAt,
      }
    );
  }

  /** What a token opens on the model. */
  expected(model: Model, server: number, token: string): unknown {
    const session = model.live(token, this.nowAt(server));
    return (
      session && {
        data: session.data,
        owner: session.owner,
        expiresAt: session.expiresAt,
        absolute: session.absolute,
      }
    );
  }

  /** The same with the model's names for tokens; one that was never seen before is the model's new one. */
  #named(seen: Ending, expected: Ending): Ending {
    const cookie =
      typeof seen.cookie === "object"
        ? { ...seen.cookie, token: this.#name(seen.cookie.token, tokenOf(expected)) }
        : seen.cookie;
    const handed = seen.handed === undefined ? undefined : this.#name(seen.handed, expected.handed);
    return { ...seen, ...(cookie && { cookie }), ...(handed !== undefined && { handed }) };
  }

  #name(token: string, expected: string | undefined): string {
    for (const [name, known] of this.tokens) if (known === token) return name;
    if (expected === undefined || this.tokens.has(expected)) return "a new token";
    this.tokens.set(expected, token);
    return expected;
  }
}

/** What a history is played with, beside the code itself: mutants change it. */
export interface Playing {
  readonly counts: Map<string, number>;
  readonly clockOf?: (clock: Clock, index: number) => Clock;
  readonly modelOf?: (times: Times) => Model;
}

export type Sent = "own" | number;

const tokenOf = ({ cookie }: Ending): string | undefined => (typeof cookie === "object" ? cookie.token : undefined);
export const show = (value: unknown): string => JSON.stringify(value) ?? "nothing";

function kindOf({ error, cookie, handed, saved }: Ending): string {
  if (error !== undefined) return `fails with ${error}`;
  if (saved !== undefined) return saved ? "is saved" : "is not saved";
  if (handed !== undefined) return "hands out a token";
  if (cookie === undefined) return "no cookie";
  return cookie === "removal" ? "removal" : "cookie";
}
