import { CLOCK_SKEW_MS, type StoredEntry, type Version } from "../contracts/storage.js";

/** One storage call, as it is sent to the object of its key. */
export type ObjectCall =
  | { readonly call: "facts" }
  | { readonly call: "get" }
  | { readonly call: "create"; readonly entry: StoredEntry }
  | { readonly call: "update"; readonly entry: StoredEntry; readonly version: Version }
  | { readonly call: "touch"; readonly expiresAt: number; readonly version: Version }
  | { readonly call: "delete"; readonly version: Version };

/** What `check` asks an object. */
export interface ObjectFacts {
  readonly now: number;
  readonly hasSqlite: boolean;
}

/** The address of every call. A request of a visitor that a Worker passes on to an object has another one. */
export const OBJECT_URL = "https://holdfast.invalid/storage";

/** The part of the state of a Durable Object that is used. */
export interface DurableState {
  readonly storage: {
    get(key: string): Promise<any>;
    put(key: string, value: any): Promise<unknown>;
    deleteAll(): Promise<unknown>;
    getAlarm(): Promise<number | null>;
    setAlarm(time: number): Promise<unknown>;
    deleteAlarm(): Promise<unknown>;
    readonly sql?: unknown;
  };
}

/** The name under which an object keeps its only record. */
const RECORD = "record";

/** As it is stored: bytes, since a string with one character beyond Latin-1 would take two bytes for each. */
interface Kept {
  readonly value: Uint8Array;
  readonly version: Version;
  readonly expiresAt: number;
}

/**
 * The Durable Object of `durableStorage`: one object for each record, in which versions are compared. The Worker
 * exports it, and `wrangler.jsonc` names it in `durable_objects` and in `new_sqlite_classes` of a migration. An
 * object removes its data by an alarm, five minutes after the record has expired.
 *
 * @example
 * ```ts
 * export { HoldfastSessions } from "holdfast/storage/cloudflare";
 * ```
 */
export class HoldfastSessions {
  /** A type only: marks the class as one of a Durable Object, as the types of Cloudflare do. */
  declare readonly __DURABLE_OBJECT_BRAND: never;
  readonly #storage: DurableState["storage"];

  constructor(state: DurableState, _env?: unknown) {
    this.#storage = state.storage;
  }

  /**
   * Executes one storage call.
   *
   * @param request - a request of `durableStorage`; any other gets a 404
   * @returns the result as JSON
   */
  async fetch(request: Request): Promise<Response> {
    if (request.url !== OBJECT_URL || request.method !== "POST") return new Response(null, { status: 404 });
    return Response.json(await this.#execute((await request.json()) as ObjectCall));
  }

  /** Removes the record if it expired five minutes ago; else the alarm is set again. */
  async alarm(): Promise<void> {
    const kept = (await this.#storage.get(RECORD)) as Kept | undefined;
    const due = kept ? dueOf(kept) : 0;
    await (due > Date.now() ? this.#storage.setAlarm(due) : this.#removeAll());
  }

  /**
   * Reads and writes with nothing in between: the runtime delivers no other request while an object waits for its own
   * storage, and stores the writes together before the response is sent.
   */
  async #execute(asked: ObjectCall): Promise<unknown> {
    if (asked.call === "facts") return this.#facts();
    const [kept, alarm] = await Promise.all([
      this.#storage.get(RECORD) as Promise<Kept | undefined>,
      this.#storage.getAlarm(),
    ]);
    if (asked.call === "get") return kept ? { ...kept, value: utf8.decode(kept.value) } : null;
    if (asked.call === "create") return !kept && this.#put(encoded(asked.entry), alarm);
    if (!kept || kept.version !== asked.version) return false;
    if (asked.call === "update") return this.#put(encoded(asked.entry), alarm);
    if (asked.call === "touch") return this.#put({ ...kept, expiresAt: asked.expiresAt }, alarm);
    await this.#removeAll();
    return true;
  }

  /** Before the compatibility date 2026-02-24 `deleteAll` keeps the alarm. */
  async #removeAll(): Promise<void> {
    await Promise.all([this.#storage.deleteAlarm(), this.#storage.deleteAll()]);
  }

  /** The alarm is moved only if it would come too late: it moves itself when it comes too early. */
  async #put(kept: Kept, alarm: number | null): Promise<true> {
    const due = dueOf(kept);
    const written = this.#storage.put(RECORD, kept);
    await Promise.all([written, alarm !== null && alarm <= due ? undefined : this.#storage.setAlarm(due)]);
    return true;
  }

  #facts(): ObjectFacts {
    return { now: Date.now(), hasSqlite: hasSqlite(this.#storage) };
  }
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

function encoded({ value, version, expiresAt }: StoredEntry): Kept {
  return { value: new TextEncoder().encode(value), version, expiresAt };
}

function dueOf({ expiresAt }: Kept): number {
  return expiresAt + CLOCK_SKEW_MS;
}

/** A class without SQLite has the property, and it throws. */
function hasSqlite(storage: DurableState["storage"]): boolean {
  try {
    return storage.sql !== undefined;
  } catch {
    return false;
  }
}
