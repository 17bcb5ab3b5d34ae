import type { AuthenticateOptions, Session, StoredSession, Store } from "../contracts/session-api.js";
import { mistake, SessionError, withPage } from "../errors.js";
import { CLOCK_SKEW_MS } from "../contracts/storage.js";
import { boolean, onlyKeys, show } from "../util/assert.js";
import { environment, warn } from "../util/builtin.js";
import { milliseconds, type Duration } from "../util/time.js";
import { fromPairs } from "../codecs/value.js";
import type { SessionCore } from "./core.js";
import type { Draft } from "./draft.js";
import type { Phase } from "./request-stage.js";
import { checkedLogin, checkOwner } from "./owner.js";

type Data = Record<string, unknown>;

/** Creates the object that a handler uses. */
export function makeSession<D extends object>(core: SessionCore): StoredSession<D> {
  return new ActiveSession(core) as unknown as StoredSession<D>;
}

/**
 * The end of every session's prototype chain: assigning to an unknown property throws and says what to write; reading
 * one warns once. The methods of Object exist.
 */
const nothingElse: object = new Proxy(Object.create(Object.prototype) as object, {
  set(_target, property) {
    const name = show(String(property));
    throw mistake(
      "wrong-call",
      `a session has no property ${name} to assign to, and it would not be stored; write ` +
        `session.set(${name}, value)`,
    );
  },
  get(target, property, session) {
    if (typeof property === "string" && !(property in target) && (!isProbe(property) || isKeyOf(session, property)))
      warnOfRead(property);
    return Reflect.get(target, property, session) as unknown;
  },
});

/**
 * Properties that frameworks and tools read from any object to find out its type: a promise, a stream, a list, an
 * error, an element …
 */
const PROBED: ReadonlySet<string> = new Set(
  (
    "then catch pipe pipeTo getReader readable writable on stream subscribe lift toPromise _readableState " +
    "arrayBuffer buffer byteLength byteOffset " +
    "length splice callee size inspect nodeType tagName asymmetricMatch $$typeof _store message stack cause " +
    "name code status statusCode headers body"
  ).split(" "),
);
/** React, Immutable and other libraries have markers whose names begin with two of these. */
const MARKER = "@@";

function isProbe(property: string): boolean {
  return PROBED.has(property) || property.startsWith(MARKER);
}

/** Limit of warnings for different properties. */
const MOST_WARNINGS = 20;
const warned = new Set<string>();

/** Warns once for each name, not in production: the value is undefined, as in an empty session. */
function warnOfRead(property: string): void {
  if (warned.has(property) || warned.size >= MOST_WARNINGS || environment("NODE_ENV") === "production") return;
  warned.add(property);
  const name = show(property);
  const message =
    `holdfast: a session has no property ${name}; its data is read with session.get(${name}), and removed with ` +
    `session.delete(${name})`;
  warn(withPage(message, "wrong-call"));
}

class ActiveSession implements Session<Data>, Disposable {
  readonly #own: SessionCore;

  static {
    Object.setPrototypeOf(this.prototype, nothingElse);
  }

  static coreOf(session: object): SessionCore {
    return (session as ActiveSession).#own;
  }

  /** True if the session has a value with this key; the object may not be a session. */
  static isKeyOf(session: unknown, key: string): boolean {
    return typeof session === "object" && session !== null && #own in session && session.#own.draft.has(key);
  }

  constructor(core: SessionCore) {
    this.#own = core;
  }

  get token(): string {
    return this.#core.token;
  }

  get id(): string {
    return this.#core.id;
  }

  get fresh(): boolean {
    return this.#core.fresh;
  }

  get isStored(): boolean {
    return this.#core.hasRecord;
  }

  get store(): Store<Data> {
    return this.#own.parts.store;
  }

  get createdAt(): number {
    return this.#core.createdAt;
  }

  get idleExpiresAt(): number {
    return this.#core.idleExpiresAt;
  }

  get absoluteExpiresAt(): number | undefined {
    return this.#core.absoluteExpiresAt;
  }

  get owner(): string | undefined {
    return this.#core.owner;
  }

  get actor(): string | undefined {
    return this.#core.actor;
  }

  get authenticatedAt(): number | undefined {
    return this.#core.authenticatedAt;
  }

  get(key: string): any {
    return this.#core.draft.get(checkedKey(key));
  }

  has(key: string): boolean {
    return this.#core.draft.has(checkedKey(key));
  }

  keys(): string[] {
    return this.#core.draft.keys();
  }

  toJSON(): Data {
    const { draft } = this.#core;
    return fromPairs(draft.keys().map((key) => [key, draft.get(key)]));
  }

  set(key: string, value: unknown): void {
    this.#writable("set").set(checkedKey(key), value);
  }

  update(key: string, update: (value: any) => unknown): void {
    if (typeof update !== "function")
      throw mistake(
        "wrong-call",
        `update takes a function of the old value; write session.set(${show(key)}, value) to replace it`,
      );
    this.#writable("update").update(checkedKey(key), update);
  }

  delete(key: string): void {
    this.#writable("delete").delete(checkedKey(key));
  }

  setIdleTimeout(timeout: Duration): void {
    this.#writable("setIdleTimeout");
    this.#core.setIdleTimeout(timeout);
  }

  regenerate(keep?: readonly string[]): Promise<void> {
    if (keep !== undefined && !Array.isArray(keep))
      throw refused(
        "regenerate",
        keep,
        'await session.regenerate(), or session.regenerate(["cart"]) to keep only these keys',
      );
    return this.#atOnce(() => {
      const core = this.#alive("regenerate");
      this.#needsResponse("regenerate");
      core.regenerate(keep);
    });
  }

  authenticate(owner: string, options: AuthenticateOptions<Data> = {}): Promise<void> {
    checkOwner(owner);
    const asked = checkedLogin(options);
    const { phase } = this.#own;
    return this.#persist(() => {
      this.#needsResponse("authenticate", phase);
      return this.#alive("authenticate").authenticate(owner, asked);
    });
  }

  endImpersonation(...none: never[]): Promise<void> {
    refuseArguments("endImpersonation", none);
    const { phase } = this.#own;
    return this.#persist(() => {
      this.#needsResponse("endImpersonation", phase);
      return this.#alive("endImpersonation").endImpersonation();
    });
  }

  authenticatedWithin(duration: Duration): boolean {
    const ms = milliseconds("authenticatedWithin", duration, 1);
    const { authenticatedAt, parts } = this.#core;
    if (authenticatedAt === undefined) return false;
    const age = parts.settings.clock.now() - authenticatedAt;
    return age <= ms && age >= -CLOCK_SKEW_MS;
  }

  reset(...none: never[]): Promise<void> {
    refuseArguments("reset", none);
    return this.#atOnce(() => {
      const core = this.#core;
      this.#needsResponse("reset");
      core.reset();
    });
  }

  destroy(...none: never[]): Promise<void> {
    refuseArguments("destroy", none);
    return this.#persist(() => this.#core.destroy());
  }

  save(...none: never[]): Promise<void> {
    refuseArguments("save", none);
    return this.#persist(() => this.#alive("save").commit("save"));
  }

  take(key: string): Promise<any> {
    checkedKey(key);
    return this.#rejecting(() => {
      const core = this.#alive("take");
      const { draft } = core;
      const taken = draft.take(key);
      return taken ? this.#persist(() => core.saveTaken(taken, draft)) : core.methods.done();
    });
  }

  reload(options: { discard?: boolean } = {}): Promise<void> {
    if (typeof options === "function") throw refused("reload", options, "await session.reload()");
    const { discard = false } = onlyKeys<{ discard?: boolean }>("reload", options, ["discard"]);
    boolean("reload.discard", discard);
    return this.#own.methods.run(() => {
      const core = this.#alive("reload");
      if (discard) core.discard();
      return core.reload();
    });
  }

  release(): void {
    if (this.#own.phase !== "released") this.#own.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  /** The output of `util.inspect`, `console.log` and templates: never the token. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  toString(): string {
    const { draft, phase } = this.#own;
    return phase === "released" ? "Session { released }" : `Session { keys: [${draft.keys().map(show).join(", ")}] }`;
  }

  get #core(): SessionCore {
    const core = this.#own;
    if (core.phase === "released") throw new SessionError("released", "the session was released; open it again");
    core.ask();
    return core;
  }

  #alive(method: string): SessionCore {
    const core = this.#core;
    if (core.ended) throw new SessionError("ended", `${method}: the session was ended; reset() starts a new one`);
    return core;
  }

  #writable(method: string): Draft {
    const core = this.#alive(method);
    const { phase } = core;
    const isTooLate = phase === "over" || (phase === "answered" && !core.isStored);
    if (core.request?.isAbandoned || (isTooLate && core.request?.takesLateChanges)) {
      core.request.changedLate();
      return core.draft;
    }
    if (phase === "over")
      throw new SessionError(
        "answered",
        `${method}: the response is complete; use store.edit(session.id, …) afterwards`,
      );
    if (phase === "answered" && !core.isStored)
      throw new SessionError(
        "answered",
        `${method}: the response has begun, it cannot carry the token of a new session; write before the first byte`,
      );
    return core.draft;
  }

  /** `phase`: when the method was called. The end of the request waits for a method that was called before it. */
  #needsResponse(method: string, phase: Phase = this.#own.phase): void {
    if (phase !== "open")
      throw new SessionError(
        "answered",
        `${method}: the response has begun, it cannot carry a new token; call it before the first byte`,
      );
  }

  /** Applies the change immediately; a failure rejects the promise. */
  #atOnce(work: () => void): Promise<void> {
    return this.#rejecting(() => {
      work();
      return this.#own.methods.done();
    });
  }

  /** A synchronous exception rejects the promise. */
  #rejecting<T>(work: () => Promise<T>): Promise<T> {
    try {
      return work();
    } catch (error) {
      return this.#own.methods.run(() => Promise.reject(error as Error));
    }
  }

  #persist<T>(work: () => Promise<T> | T): Promise<T> {
    return this.#own.methods.run(async () => {
      const result = await work();
      this.#own.request?.persisted();
      return result;
    });
  }
}

/** The internal state of a session, for its request session and its store. */
export function coreOf(session: object): SessionCore {
  return ActiveSession.coreOf(session);
}

function isKeyOf(session: unknown, key: string): boolean {
  return ActiveSession.isKeyOf(session, key);
}

function checkedKey(key: unknown): string {
  if (typeof key !== "string")
    throw mistake("wrong-call", `a session's keys are strings, not ${show(key)}; write session.set("key", value)`);
  return key;
}

function refuseArguments(method: string, values: readonly unknown[]): void {
  if (values.length > 0) throw refused(method, values[0], `await session.${method}()`);
}

function refused(method: string, value: unknown, write: string): TypeError {
  const what =
    typeof value === "function"
      ? "no callback: it returns a promise"
      : typeof value === "string"
        ? "no string"
        : `no ${show(value)}`;
  return mistake("wrong-call", `${method} takes ${what}; write ${write}`);
}
