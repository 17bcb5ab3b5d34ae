/**
 * The session of another library becomes one of ours, once. In this order: the new record is stored under a token that
 * no other request knows; a note that names it is inserted under a key derived from the old session; the old session
 * is removed. Of several first requests one inserts its note, and the others find it: it leads them to the same
 * record. The note remains longer than the old cookie is valid, so an ended session is never adopted again.
 */
import type {
  AdoptedSession,
  AdoptionCall,
  AdoptionSource,
  OldCookie,
  OldSession,
} from "../contracts/adoption-source.js";
import { CLOCK_SKEW_MS } from "../contracts/storage.js";
import { decodeNote, encodeNote, type AdoptionNote } from "../codecs/adoption-note.js";
import { SessionError } from "../errors.js";
import { isPlainObject, misplaced, misuse, onlyKeys } from "../util/assert.js";
import { hmac, sha256, randomText } from "../util/bytes.js";
import type { RequestView } from "../http/request-view.js";
import { Deadline, StorageCalls } from "./calls.js";
import type { StoreParts } from "./core.js";
import { Draft } from "./draft.js";
import type { Telling } from "./request-stage.js";
import { checkOwner, loginOf } from "./owner.js";
import type { Birth, Login } from "./persistence.js";
import type { Live, Loaded } from "./records.js";
import type { Stored } from "./state.js";
import { drawWriteId, hashOf, idOf } from "./token.js";

const DAY_MS = 24 * 60 * 60_000;
/** A note is kept no longer, in ms. */
const MOST_KEPT_MS = 400 * DAY_MS;
const NONCE_BYTES = 18;

/** The cookie of another library in a request. */
export interface Old {
  readonly source: AdoptionSource;
  readonly cookie: OldCookie;
}

/** What is said to a client that has no token of ours yet. */
export type Begins = Pick<Stored, "reply" | "known">;

/** What has become of an old session. */
export interface Adopted {
  readonly token: string;
  readonly loaded: Loaded;
  /** Set if the session is live. */
  readonly begins: Begins | undefined;
}

/** Finds the first valid cookie of another library in a request. Nothing is read from a store. */
export function findOld(sources: readonly AdoptionSource[], view: RequestView, now: number): Old | undefined {
  for (const source of sources) {
    if (source.until !== undefined && now >= source.until) continue;
    const cookie = source.find(view, now);
    if (cookie) return { source, cookie };
  }
  return undefined;
}

/** Adopts the old session of one request. */
export class Adoption {
  readonly #parts: StoreParts;
  readonly #old: Old;
  readonly #calls: StorageCalls;
  /** Key of the note, without the namespace. */
  readonly #key: string;

  constructor(parts: StoreParts, old: Old) {
    const { storage, clock, storageTimeout } = parts.settings;
    this.#parts = parts;
    this.#old = old;
    this.#calls = new StorageCalls(storage, clock, storageTimeout);
    this.#key = `adopted.${sha256(`${old.source.library}\n${old.cookie.id}`)}`;
  }

  /**
   * Returns the session that the old one has become, now or before; undefined if there is none.
   *
   * @throws {SessionError} `storage` or `timeout` if the storage or the old store fails; `unserializable` or
   *   `too-large` if the old data cannot be stored
   */
  async run(): Promise<Adopted | undefined> {
    const { source, cookie } = this.#old;
    // The note is read after the old session: if another request has removed that, it has stored the note before.
    const old = await this.#ask("read", (call) => cookie.read(call));
    if (source.isSharedByEqualData) return old && this.#adoptShared(old);
    const note = await this.#read();
    if (note) return this.#follow(note);
    const next = old && (await this.#converted(old));
    return next && this.#begin(old, next);
  }

  /** Two visitors may have the same cookie. Only if it names its owner it is the same person's. */
  async #adoptShared(old: OldSession): Promise<Adopted | undefined> {
    const next = await this.#converted(old);
    if (next?.owner === undefined) return next && this.#copy(next);
    const note = await this.#read();
    return note ? this.#follow(note) : this.#begin(old, next);
  }

  async #converted({ data }: OldSession): Promise<AdoptedSession | undefined> {
    const { source } = this.#old;
    return checkedMap(source, source.map ? await source.map({ ...data }) : { data });
  }

  /** Stores the new session, then the note; removes the old session last. */
  async #begin(old: OldSession, next: AdoptedSession): Promise<Adopted | undefined> {
    const nonce = randomText(NONCE_BYTES);
    const token = this.#tokenBy(nonce);
    const live = await this.#store(next, hashOf(token));
    if (!live) return undefined;
    // If this fails, the record must not be removed: the note may have been stored, or may be stored later.
    const note = await this.#insert({ nonce, successor: live.hash }, this.#keptUntil(old));
    if (note?.nonce !== nonce) {
      await this.#discard(live);
      return note && this.#follow(note);
    }
    await this.#removeOld(live.hash);
    this.#report(live);
    // Others can find the session since the note was stored: it is looked at again before its token is sent.
    return { token, loaded: live, begins: { reply: this.#telling(live, token), known: undefined } };
  }

  /** A separate session, because other visitors may have the same cookie. */
  async #copy(next: AdoptedSession): Promise<Adopted | undefined> {
    const token = this.#parts.settings.tokens.draw();
    const live = await this.#store(next, hashOf(token));
    if (!live) return undefined;
    this.#report(live);
    const known = this.#parts.persistence.moment();
    return { token, loaded: live, begins: { reply: this.#telling(live, token), known } };
  }

  /** The session was adopted before: by a request at the same time, or by one whose response was lost. */
  async #follow({ nonce, successor }: AdoptionNote): Promise<Adopted | undefined> {
    const token = this.#tokenBy(nonce);
    if (hashOf(token) !== successor) return undefined;
    const loaded = await this.#parts.persistence.load(successor);
    if (loaded.kind !== "live") return { token, loaded, begins: undefined };
    await this.#removeOld(successor);
    return { token, loaded, begins: { reply: this.#telling(loaded, token), known: undefined } };
  }

  /** Inserts the new record; undefined if the configuration does not let it live. */
  async #store(next: AdoptedSession, hash: string): Promise<Live | undefined> {
    const { settings, persistence, values } = this.#parts;
    const now = settings.clock.now();
    const draft = new Draft(values);
    for (const [key, value] of Object.entries(next.data)) draft.set(key, value);
    const writeId = drawWriteId();
    draft.seal(writeId);
    const birth = birthAt(now, settings.absolute);
    const login = next.owner === undefined ? undefined : this.#loginOf(next.owner, next, birth, now);
    if ((login?.birth.absolute ?? Infinity) <= now) return undefined;
    const writing = { draft, writeId, idle: undefined, moves: true, hasResponse: true, login };
    try {
      return await persistence.create(hash, birth, writing);
    } catch (error) {
      if (error instanceof SessionError && NO_ROOM.includes(error.code)) return undefined;
      throw error;
    }
  }

  /** The owner has not logged in now: `authenticatedAt` stays unknown unless `map` knows it. */
  #loginOf(owner: string, { authenticatedAt }: AdoptedSession, birth: Birth, now: number): Login {
    const at = authenticatedAt === undefined ? undefined : Math.min(Number(authenticatedAt), now);
    const nothing = { info: undefined, actor: undefined, keep: undefined, terms: undefined };
    const { absolute } = this.#parts.settings;
    const login = loginOf(owner, nothing, birth, absolute === undefined ? now : (at ?? now), absolute);
    return { owner, birth: { ...login.birth, authenticatedAt: at } };
  }

  /** Another request was faster: this record's token was never used. */
  async #discard(live: Live): Promise<void> {
    try {
      await this.#parts.persistence.end(live);
    } catch (cause) {
      this.#parts.settings.emit({ type: "unsaved", id: idOf(live.hash), cause });
    }
  }

  async #read(): Promise<AdoptionNote | undefined> {
    const entry = await this.#calls.get(this.#place, this.#deadline());
    if (!entry) return undefined;
    const note = decodeNote(this.#key, this.#parts.settings.namespace, entry.value);
    if (!note) this.#parts.settings.emit({ type: "unreadable", cause: "it is not the note of an adoption" });
    return note ?? UNKNOWN;
  }

  /** Returns the note that is stored then: this one, or that of another request. */
  async #insert(note: AdoptionNote, expiresAt: number): Promise<AdoptionNote | undefined> {
    const value = encodeNote(this.#key, this.#parts.settings.namespace, note);
    const written = await this.#calls.create(this.#place, { value, expiresAt }, this.#deadline());
    return written ? note : this.#read();
  }

  /** The session is adopted already: a failure is reported, and the next request with the old cookie tries again. */
  async #removeOld(hash: string): Promise<void> {
    const { cookie } = this.#old;
    if (!cookie.remove) return;
    try {
      await this.#ask("remove", (call) => cookie.remove!(call));
    } catch (cause) {
      this.#parts.settings.emit({ type: "old-session-kept", id: idOf(hash), cause });
    }
  }

  /** Calls the old store, in time. */
  async #ask<T>(what: string, command: (call: AdoptionCall) => T | PromiseLike<T>): Promise<T> {
    const { clock, storageTimeout } = this.#parts.settings;
    const controller = new AbortController();
    const call = { now: clock.now(), signal: controller.signal };
    const where = `the old store of ${this.#old.source.library}`;
    return new Promise<T>((resolve, reject) => {
      const cancel = clock.setTimer(storageTimeout, () => {
        controller.abort();
        reject(new SessionError("timeout", `${where} did not respond to ${what} within ${storageTimeout} ms`));
      });
      const failed = (cause: unknown): void => {
        cancel();
        reject(
          cause instanceof SessionError
            ? cause
            : new SessionError("storage", `${where} failed at ${what}`, { cause }),
        );
      };
      void (async () => command(call))().then((result) => {
        cancel();
        resolve(result);
      }, failed);
    });
  }

  /** The note outlives the old cookie, and a write that an old server began before the old session was removed. */
  #keptUntil({ expiresAt = 0, lifetime = 0 }: OldSession): number {
    const { until } = this.#old.source;
    const now = this.#parts.settings.clock.now();
    const longest = Math.max(expiresAt - now, lifetime, DAY_MS) + DAY_MS;
    return (until ?? now + Math.min(longest, MOST_KEPT_MS)) + CLOCK_SKEW_MS;
  }

  #telling(live: Live, token: string): Telling {
    const lifetime = live.expiresAt - this.#parts.settings.clock.now();
    return { token, why: "new", lifetime, sessionOnly: live.record.sessionOnly };
  }

  #report({ hash, record: { owner } }: Live): void {
    const { hears, emit } = this.#parts.settings;
    if (hears()) emit({ type: "adopted", id: idOf(hash), ...(owner !== undefined && { owner }) });
  }

  /** 256 bits that only the client of the old cookie can be given again. */
  #tokenBy(nonce: string): string {
    return hmac("sha256", this.#old.cookie.secret, `holdfast adopts\n${nonce}`, "base64url");
  }

  get #place(): string {
    return `${this.#parts.settings.namespace}:${this.#key}`;
  }

  #deadline(): Deadline {
    return new Deadline(this.#parts.settings.clock, this.#parts.settings.commitTimeout);
  }
}

/** If a login would be refused, the session is not adopted: the visitor has to log in, and sees the reason then. */
const NO_ROOM: readonly string[] = ["too-many-sessions", "ended"];

/** A note that this server cannot read: the session was adopted, and it cannot know into which. */
const UNKNOWN: AdoptionNote = { nonce: "", successor: "" };

function birthAt(now: number, absolute: number | undefined): Birth {
  return {
    createdAt: now,
    absolute: absolute === undefined ? undefined : now + absolute,
    idle: undefined,
    authenticatedAt: undefined,
    owner: undefined,
    lifetime: undefined,
    sessionOnly: undefined,
    parked: undefined,
  };
}

function checkedMap({ library }: AdoptionSource, given: unknown): AdoptedSession | undefined {
  if (given === undefined || given === null) return undefined;
  const where = `the map of ${library}`;
  const next = onlyKeys(where, given as AdoptedSession, ["data", "owner", "authenticatedAt"]);
  if (!isPlainObject(next.data)) throw misplaced(`${where}: data`, next.data, "{ data: { … } }");
  if (next.owner !== undefined) checkOwner(next.owner);
  const at = next.authenticatedAt === undefined ? 0 : Number(next.authenticatedAt);
  if (!Number.isFinite(at)) throw misuse(`${where}: authenticatedAt`, next.authenticatedAt, "a Date, or epoch ms");
  return next;
}
