import { SessionError } from "../errors.js";
import { isPlainObject } from "../util/assert.js";
import { SessionCore, type StoreParts } from "../session/core.js";
import { ABSENT } from "../session/records.js";
import { hashOf } from "../session/token.js";
import { Store, type ConnectStore, type SessionRecordData } from "./connect-store.js";
import type { DropInSettings } from "./dropin-options.js";
import { differences, textsOf } from "./known-data.js";
import type { Callback } from "./plain-session.js";
import { usualCookie } from "./request-facts.js";
import { attributesOf, Cookie, type Attributes } from "./session-cookie.js";
import { COOKIE_KEY } from "./storage-request.js";

/**
 * `req.sessionStore` of a middleware with a storage: for code that uses the store of express-session. Like everything
 * with a storage it never restores a session that was ended.
 *
 * @param parts - of the store of Holdfast
 * @param settings - of the middleware
 */
export function storageStore(parts: StoreParts, settings: DropInSettings): InstanceType<typeof Store> {
  const records = new StoredRecords(parts, settings);
  const methods: ConnectStore = {
    get: (id, callback) => told(callback, records.get(id)),
    set: (id, session, callback) => told(callback, records.set(id, session as SessionRecordData)),
    destroy: (id, callback) => told(callback, records.destroy(id)),
    touch: (id, session, callback) => told(callback, records.touch(id, session as SessionRecordData)),
  };
  return Object.assign(new Store(), methods);
}

function told<T>(callback: Callback<T> | undefined, work: Promise<T>): void {
  work.then(
    (result) => callback && setImmediate(() => callback(null, result)),
    (error: unknown) => callback && setImmediate(() => callback(error)),
  );
}

class StoredRecords {
  readonly #parts: StoreParts;
  readonly #settings: DropInSettings;

  constructor(parts: StoreParts, settings: DropInSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  async get(id: string): Promise<SessionRecordData | null> {
    const core = await this.#open(id);
    return core ? ({ ...readable(core), ...this.#cookieOf(core) } as SessionRecordData) : null;
  }

  /** The keys that differ from what is stored; other requests keep what they write meanwhile. */
  async set(id: string, session: SessionRecordData): Promise<void> {
    const found = await this.#open(id);
    const core = found ?? this.#new(id);
    const { draft } = core;
    for (const [key, text] of differences(textsOf(readable(core)), textsOf(session)))
      if (text === undefined) draft.delete(key);
      else draft.set(key, JSON.parse(text));
    this.#setCookie(core, session.cookie);
    this.#setDeadline(core, session);
    try {
      await core.commit("save");
    } catch (error) {
      if (!(error instanceof SessionError && error.code === "bad-generator")) throw error;
      // Another caller has created it, or it was ended a moment ago: then it stays ended.
      if (await this.#open(id)) await this.set(id, session);
      else this.#parts.settings.emit({ type: "dropped" });
    }
  }

  async destroy(id: string): Promise<void> {
    await this.#parts.persistence.endHash(hashOf(id));
  }

  async touch(id: string, session: SessionRecordData): Promise<void> {
    const core = await this.#open(id);
    if (!core) return;
    this.#setDeadline(core, session);
    await core.commit("save");
  }

  async #open(id: string): Promise<SessionCore | undefined> {
    const loaded = await this.#parts.persistence.load(hashOf(id));
    return loaded.kind === "live" ? new SessionCore(this.#parts, loaded, id, undefined) : undefined;
  }

  #new(id: string): SessionCore {
    const core = new SessionCore(this.#parts, ABSENT, undefined, undefined);
    core.identify(id);
    return core;
  }

  #setDeadline(core: SessionCore, { cookie }: SessionRecordData): void {
    const ms = isPlainObject(cookie) || cookie instanceof Cookie ? cookie.originalMaxAge : undefined;
    if (typeof ms === "number" && Number.isFinite(ms)) core.useIdle(Math.max(ms, 1));
  }

  /** The attributes, unless they are those of every session; null for a record that was given none. */
  #setCookie({ draft }: SessionCore, given: unknown): void {
    const { clock } = this.#settings;
    const usual = usualCookie(this.#settings);
    const stored = draft.copyOf(COOKIE_KEY);
    if (typeof given !== "object" || given === null) return draft.set(COOKIE_KEY, null);
    const text = attributesOf(given instanceof Cookie ? given : new Cookie(given, () => clock.now()));
    if (usual && text === attributesOf(usual)) return stored === undefined ? undefined : draft.delete(COOKIE_KEY);
    if (text !== JSON.stringify(stored)) draft.set(COOKIE_KEY, JSON.parse(text));
  }

  #cookieOf(core: SessionCore): { readonly cookie?: Attributes } {
    const stored = core.draft.copyOf(COOKIE_KEY) as Attributes | null | undefined;
    if (stored === null) return {};
    // Attributes of a request that are not stored: of a session that has never been in one.
    const usual = usualCookie(this.#settings) ?? new Cookie({ secure: true, sameSite: "lax" });
    const cookie: Attributes = stored ?? usual.data;
    const isLimited = cookie.originalMaxAge !== null;
    return { cookie: { ...cookie, expires: isLimited ? new Date(core.idleExpiresAt) : null } };
  }
}

/** What can be read of a session. */
function readable({ draft }: SessionCore): Record<string, unknown> {
  return Object.fromEntries(
    draft.keys().flatMap((key): [string, unknown][] => {
      if (key === COOKIE_KEY) return [];
      try {
        return [[key, draft.copyOf(key)]];
      } catch {
        return [];
      }
    }),
  );
}
