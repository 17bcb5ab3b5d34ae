import type { CreateOptions, ListedSession, Session, StoredSession, Store } from "../contracts/session-api.js";
import type { DataBy, Schemas, SchemasFor } from "../contracts/schema.js";
import { SessionError } from "../errors.js";
import { callable, onlyKeys } from "../util/assert.js";
import { ValueCodec } from "../codecs/value.js";
import type { SessionData, TypeCodec } from "../session-data.js";
import { SessionCore, type StoreParts } from "./core.js";
import { checkOwner } from "./owner.js";
import { storeSettings, type StoreOptions, type StoreSettings } from "./options.js";
import { Persistence } from "./persistence.js";
import { ABSENT, type Loaded } from "./records.js";
import { coreOf, makeSession } from "./session.js";
import { hashOf, hashOfId } from "./token.js";

/**
 * Creates a store: sessions in a storage, without requests.
 *
 * @param options - see https://holdfast-sessions.github.io/holdfast/reference/options
 * @returns the store
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * const store = createStore({ storage: redisStorage(client), idleTimeout: "30m" });
 * ```
 */
export function createStore<D extends object = SessionData, S extends Schemas = Schemas>(
  options: StoreOptions & { readonly schema?: S & SchemasFor<D> } = {},
): Store<DataBy<D, S>> {
  return storeOf(storeSettings(options));
}

/** Creates a store from validated settings. */
export function storeOf<D extends object>(
  settings: StoreSettings,
  values: ValueCodec = new ValueCodec(settings.maxRecordBytes, settings.types),
): Store<D> {
  return new SessionStore({ settings, values, persistence: new Persistence(settings) }) as unknown as Store<D>;
}

/** The parts of a store, or undefined if it was not created by `createStore`. */
export function partsOf(store: unknown): StoreParts | undefined {
  return typeof store === "object" && store !== null ? SessionStore.partsOf(store) : undefined;
}

type Data = Record<string, unknown>;

class SessionStore implements Store<Data> {
  readonly #parts: StoreParts;

  constructor(own: Omit<StoreParts, "store">) {
    this.#parts = { ...own, store: this };
  }

  static partsOf(store: object): StoreParts | undefined {
    return #parts in store ? store.#parts : undefined;
  }

  async getById(id: string): Promise<StoredSession<Data> | undefined> {
    return this.#open(hashOfId(id));
  }

  async getByToken(token: string): Promise<StoredSession<Data> | undefined> {
    if (typeof token !== "string" || !this.#parts.settings.tokens.fits(token)) return undefined;
    return this.#open(hashOf(token), token);
  }

  async create(data: Partial<Data> = {}, options: CreateOptions = {}): Promise<StoredSession<Data>> {
    const { owner, ...login } = onlyKeys<CreateOptions>("create", options, [
      "owner",
      "info",
      "idleTimeout",
      "absoluteTimeout",
      "sessionOnly",
    ]);
    const session = this.#session(ABSENT);
    for (const [key, value] of Object.entries(data)) session.set(key, value);
    if (owner === undefined) await savedWith(session, login);
    else await session.authenticate(owner, login);
    return session;
  }

  async edit(id: string, change: (session: Session<Data>) => unknown): Promise<boolean> {
    callable("edit", change, "store.edit(id, (session) => …)");
    const session = await this.getById(id);
    if (!session) return false;
    try {
      await change(session);
      const core = coreOf(session);
      return core.ended ? !core.dropped : await saved(session);
    } finally {
      session.release();
    }
  }

  async delete(id: string): Promise<boolean> {
    const wasThere = await this.#parts.persistence.endHash(hashOfId(id));
    const { hears, emit } = this.#parts.settings;
    if (wasThere && hears()) emit({ type: "ended", id, reason: "deleted" });
    return wasThere;
  }

  async listByOwner(owner: string): Promise<ListedSession[]> {
    checkOwner(owner);
    return this.#parts.persistence.listByOwner(owner);
  }

  async deleteByOwner(owner: string, options: { except?: string } = {}): Promise<number> {
    checkOwner(owner);
    const { except } = onlyKeys("deleteByOwner", options, ["except"]);
    return this.#parts.persistence.endByOwner(owner, except === undefined ? undefined : hashOfId(except));
  }

  async clear(): Promise<void> {
    await this.#parts.persistence.clear();
    const { hears, emit } = this.#parts.settings;
    if (hears()) emit({ type: "ended", reason: "cleared" });
  }

  registerType(tag: string, type: TypeCodec): void {
    this.#parts.values.register(tag, type);
  }

  async #open(hash: string, token?: string): Promise<StoredSession<Data> | undefined> {
    const loaded = await this.#parts.persistence.load(hash);
    if (loaded.kind !== "live") return undefined;
    return this.#session(loaded, token);
  }

  #session(loaded: Loaded, token?: string): StoredSession<Data> {
    return makeSession(new SessionCore(this.#parts, loaded, token, undefined));
  }
}

async function savedWith(session: Session<Data>, options: Omit<CreateOptions, "owner">): Promise<void> {
  const { idleTimeout } = onlyKeys("create (without an owner)", options, ["idleTimeout"]);
  if (idleTimeout !== undefined) session.setIdleTimeout(idleTimeout);
  await session.save();
}

/** Saves; returns true if the session still existed. */
async function saved(session: Session<Data>): Promise<boolean> {
  try {
    await session.save();
    return true;
  } catch (error) {
    if (error instanceof SessionError && error.code === "ended") return false;
    throw error;
  }
}
