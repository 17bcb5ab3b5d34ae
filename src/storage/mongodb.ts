/**
 * Records in a collection of MongoDB, or of a server with the same protocol.
 *
 * @module
 */
import {
  CLOCK_SKEW_MS,
  type Storage,
  type StorageCall,
  type StorageEntry,
  type StorageFinding,
  type StoredEntry,
  type SweepOptions,
  type Version,
  type Written,
} from "../contracts/storage.js";
import { mistake, SessionError } from "../errors.js";
import { kindOf } from "../util/assert.js";
import { bad, clockFinding, DEFAULT_PREFIX, length, ok, tryChanges, warning } from "./findings.js";
import { newVersion } from "./driver.js";
import { has, refuseLookAlikes, type LookAlike } from "./look-alikes.js";
import { Sweeping } from "./sweeping.js";

/** The part of a collection of `mongodb` that is used; documents and options are plain objects. */
export interface MongodbCollection {
  findOne(filter: any, options: any): Promise<any>;
  insertOne(document: any, options: any): Promise<any>;
  updateOne(filter: any, update: any, options: any): Promise<any>;
  deleteOne(filter: any, options: any): Promise<any>;
  deleteMany(filter: any, options: any): Promise<any>;
  createIndex(keys: any, options: any): Promise<unknown>;
  /** Used by `check` and `ensureSchema`, if it exists. */
  readonly db?: { command(command: any, options: any): Promise<any> };
  readonly collectionName?: string;
}

/**
 * Stores records in one collection: `{ _id: key, value, version, expiresAt }`; each call is one command on one
 * document. Reads go to the primary and writes are acknowledged by the majority, whatever the settings of the client
 * are.
 *
 * @param collection - a collection of `mongodb` 5 or newer, or of a Mongoose connection; use a separate collection for
 *   sessions
 * @returns the storage; `await storage.ensureSchema()` creates its index
 * @throws {TypeError} if the argument is not a collection; the message says what to pass
 * @example
 * ```ts
 * const client = new MongoClient("mongodb://localhost:27017/app");
 * const storage = mongodbStorage(client.db().collection("sessions"));
 * ```
 */
export function mongodbStorage(collection: MongodbCollection): MongodbStorage {
  refuseLookAlikes("mongodbStorage", collection, LOOK_ALIKES);
  const lacking = CALLS.filter((call) => !has(collection, call));
  if (lacking.length > 0) {
    const write = 'mongodbStorage(client.db().collection("sessions"))';
    throw mistake(
      "wrong-client",
      `mongodbStorage: ${kindOf(collection)} lacks ${lacking.join(", ")}; write ${write}`,
    );
  }
  return new MongodbStorage(collection);
}

const CALLS = ["findOne", "insertOne", "updateOne", "deleteOne", "deleteMany", "createIndex"] as const;

const LOOK_ALIKES: readonly LookAlike[] = [
  {
    name: "a model of Mongoose",
    matches: (client) => typeof client === "function" && "schema" in client && "collection" in client,
    write: (storage) => `${storage}(Model.collection)`,
  },
  {
    name: "a MongoClient",
    matches: (client) => has(client, "db") && !has(client, "findOne"),
    write: (storage) => `${storage}(client.db().collection("sessions"))`,
  },
  {
    name: "a database or a connection",
    matches: (client) => has(client, "collection") && !has(client, "findOne"),
    write: (storage) => `${storage}(db.collection("sessions"))`,
  },
];

/** The storage of {@link mongodbStorage}. */
export class MongodbStorage implements Storage {
  /** A MongoDB document has at most 16 MiB. */
  readonly maxValueBytes: number = 16 * 1024 * 1024 - 4096;
  readonly #collection: MongodbCollection;
  readonly #sweeping = new Sweeping((now, signal) => this.sweep({ now, signal, timeout: SWEEP_MS }));

  constructor(collection: MongodbCollection) {
    this.#collection = collection;
  }

  /**
   * Creates the index that removes expired documents, or, on servers without such indexes, the one that `sweep` uses.
   * Any number of processes may call it at the same time, at each start.
   *
   * @throws {SessionError} `unsupported` if the collation of the collection makes different keys equal; otherwise the
   *   error of the server
   * @example
   * ```ts
   * await storage.ensureSchema();
   * ```
   */
  async ensureSchema(): Promise<void> {
    const index = { expiresAt: 1 };
    // With the write concern `w: 0` of a collection, an error of the server would be lost.
    const options = { name: "holdfast_expires_at", ...BSON, writeConcern: { w: "majority" } };
    await this.#run(() =>
      this.#collection.createIndex(index, { ...options, expireAfterSeconds: CLOCK_SKEW_MS / 1000 }).catch((error) => {
        if (!NO_TTL_CODES.has(codeOf(error))) throw error;
        return this.#collection.createIndex(index, options);
      }),
    );
    const { collation } = (await this.#listed()) ?? {};
    if (collation) throw new SessionError("unsupported", `${collidesBy(collation)}; ${OWN_COLLECTION}`);
  }

  /** Implements the storage contract. */
  async get(key: string, call: StorageCall): Promise<StoredEntry | undefined> {
    return entryOf(await this.#run(() => this.#collection.findOne({ _id: key }, readOptions(call))));
  }

  /** Implements the storage contract. */
  async create(key: string, { value, expiresAt }: StorageEntry, call: StorageCall): Promise<Written | false> {
    const version = newVersion();
    const document = { _id: key, value, version, expiresAt: new Date(expiresAt) };
    const inserted = await this.#run(() =>
      this.#collection.insertOne(document, writeOptions(call)).catch((error: unknown) => {
        if (!isDuplicate(error)) throw error;
      }),
    );
    return inserted !== undefined && acknowledged(inserted) && { version };
  }

  /** Implements the storage contract. */
  async update(
    key: string,
    { value, expiresAt }: StorageEntry,
    version: Version,
    call: StorageCall,
  ): Promise<Written | false> {
    const next = newVersion();
    const updated = await this.#set(key, version, { value, version: next, expiresAt: new Date(expiresAt) }, call);
    return updated && { version: next };
  }

  /** Implements the storage contract. */
  async touch(key: string, expiresAt: number, version: Version, call: StorageCall): Promise<Written | false> {
    return (await this.#set(key, version, { expiresAt: new Date(expiresAt) }, call)) && { version };
  }

  /** Implements the storage contract. */
  async delete(key: string, version: Version, call: StorageCall): Promise<boolean> {
    const deleted = await this.#run(() => this.#collection.deleteOne({ _id: key, version }, writeOptions(call)));
    return acknowledged(deleted) && Number(deleted.deletedCount) > 0;
  }

  /**
   * Removes every key that starts with `prefix`.
   *
   * @param prefix - start of the keys
   * @param call - as in every call
   */
  async clear(prefix: string, call: StorageCall): Promise<void> {
    // Keys are visible ASCII: U+007F is greater than every character that can follow the prefix.
    await this.#run(() =>
      this.#collection.deleteMany({ _id: { $gte: prefix, $lt: `${prefix}\u007f` } }, writeOptions(call)),
    );
  }

  /**
   * Removes documents that expired more than five minutes ago, for servers without an index that does so.
   *
   * @param call - as in every call
   * @returns how many were removed
   */
  async sweep(call: StorageCall): Promise<number> {
    const expired = { expiresAt: { $lte: new Date(call.now - CLOCK_SKEW_MS) } };
    return Number((await this.#run(() => this.#collection.deleteMany(expired, writeOptions(call)))).deletedCount);
  }

  /**
   * Calls `sweep` periodically until `close`; needed only for servers whose index does not remove expired documents.
   * Its timer does not keep the process running. A second call restarts it.
   *
   * @param options - `every` (default `"10m"`), and `onError`, called with the error of a failed sweep (default: a
   *   warning)
   * @throws {TypeError | RangeError} if an option is invalid
   * @example
   * ```ts
   * storage.startSweep({ every: "10m" });
   * ```
   */
  startSweep(options?: SweepOptions): void {
    this.#sweeping.start(options);
  }

  /** Stops what `startSweep` started. It does not close the client. */
  close(): void {
    this.#sweeping.stop();
  }

  /**
   * Checks the permissions, the index, the collation, documents that were not removed, the role of the server and its
   * clock.
   *
   * @param call - `now` is compared with the clock of the server
   * @param prefix - start of the test keys. Default `holdfast:`
   * @returns the findings, each with a level and advice
   * @throws the error of the client, if the server cannot be reached
   * @example
   * ```ts
   * const findings = await storage.check({ now: Date.now(), signal: AbortSignal.timeout(5000) });
   * ```
   */
  async check(call: StorageCall, prefix: string = DEFAULT_PREFIX): Promise<StorageFinding[]> {
    const tried = await tryChanges(this, call, prefix, explain);
    return [tried, ...(await this.#schemaFindings(call)), ...(await this.#serverFindings(call))];
  }

  async #schemaFindings(call: StorageCall): Promise<StorageFinding[]> {
    const { collation } = (await this.#listed().catch(ignored)) ?? {};
    const listed = await this.#command({ listIndexes: this.#collection.collectionName }).catch(ignored);
    const indexes = (listed?.cursor?.firstBatch ?? []) as { key?: object; expireAfterSeconds?: unknown }[];
    const index = indexes.find(({ key }) => Object.keys(key ?? {}).join() === "expiresAt");
    const options = { ...readOptions(call), sort: { expiresAt: 1 }, projection: { expiresAt: 1 } };
    const oldest = await this.#collection.findOne({ expiresAt: { $type: "date" } }, options).catch(ignored);
    const late = oldest ? call.now - CLOCK_SKEW_MS - Number(oldest.expiresAt) : 0;
    return [
      collation ? bad(collidesBy(collation), OWN_COLLECTION) : ok("keys are compared byte by byte"),
      indexFinding(index),
      late > LAG_MS
        ? warning(`documents that expired ${length(late)} ago still exist`, SWEEP)
        : ok("expired documents are removed"),
    ];
  }

  async #serverFindings({ now }: StorageCall): Promise<StorageFinding[]> {
    const hello = await this.#command({ hello: 1 }).catch(ignored);
    const { ferretdbVersion } = (await this.#command({ buildInfo: 1 }).catch(ignored)) ?? {};
    if (!hello)
      return [warning("the server's role and clock are not known", "pass a collection of mongodb 6 or newer")];
    return [
      hello.isWritablePrimary
        ? ok("the server accepts writes")
        : bad("the server is not a primary", "connect to the replica set: mongodb://host/?replicaSet=NAME"),
      hello.setName || hello.msg === "isdbgrid"
        ? ok("a write is acknowledged when the majority has it")
        : warning("a single server: it has no copy of its data", "run a replica set, or back up its disk"),
      ...(/^v1[.\d]+$/.test(String(ferretdbVersion))
        ? [bad(LOSES, "use MongoDB, or a server whose updates are atomic")]
        : []),
      clockFinding(Number(hello.localTime), now),
    ];
  }

  async #set(key: string, version: Version, fields: object, call: StorageCall): Promise<boolean> {
    const updated = await this.#run(() =>
      this.#collection.updateOne({ _id: key, version }, { $set: fields }, writeOptions(call)),
    );
    return acknowledged(updated) && Number(updated.matchedCount) > 0;
  }

  /** Returns the options that the collection was created with, or undefined if it does not exist yet. */
  async #listed(): Promise<{ readonly collation?: { readonly locale?: string } } | undefined> {
    const listed = await this.#command({ listCollections: 1, filter: { name: this.#collection.collectionName } });
    return listed?.cursor?.firstBatch?.[0]?.options;
  }

  async #command(command: object): Promise<any> {
    return this.#collection.db?.command(command, BSON);
  }

  /** Runs a command; adds advice to known errors. */
  async #run<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (error) {
      throw advised(error);
    }
  }
}

/** How long a sweep may take, in ms. */
const SWEEP_MS = 60_000;

/** How old expired documents may be before `check` warns, in ms: the server removes them once a minute. */
const LAG_MS = 60 * 60_000;

/** "Not implemented", or "invalid option": from servers that only implement MongoDB's protocol. */
const NO_TTL_CODES: ReadonlySet<unknown> = new Set([67, 72, 115, 238, 303]);

const DUPLICATE_KEY = 11_000;
const FAILED_VALIDATION = 121;
/** Options that return documents as they were written, whatever the settings of the client are. */
const BSON = {
  promoteValues: true,
  promoteLongs: true,
  promoteBuffers: false,
  useBigInt64: false,
  raw: false,
  fieldsAsRaw: {},
  readPreference: "primary",
} as const;

function readOptions({ timeout }: StorageCall): object {
  return timeout === undefined ? BSON : { ...BSON, maxTimeMS: timeout };
}

/** A logout that only one server has stored could be lost when another server becomes the primary. */
function writeOptions(call: StorageCall): object {
  return { ...readOptions(call), writeConcern: { w: "majority" } };
}

/** Version of documents that this driver did not write: it never matches. */
const NEVER = "not written by holdfast";

/** A document that this driver did not write is returned as an entry; the store finds that it is not a record. */
function entryOf(
  document: { value?: unknown; version?: unknown; expiresAt?: unknown } | null,
): StoredEntry | undefined {
  if (!document) return undefined;
  const { value, version, expiresAt } = document;
  if (typeof value !== "string" || typeof version !== "string" || !(expiresAt instanceof Date)) {
    return { value: "", version: NEVER, expiresAt: 0 };
  }
  return { value, version, expiresAt: expiresAt.getTime() };
}

function acknowledged({ acknowledged }: { readonly acknowledged?: boolean }): true {
  if (acknowledged === false) throw new SessionError("storage", "the server did not confirm the write");
  return true;
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

/** True for a duplicate `_id`, false for a duplicate in an index that the application added. */
function isDuplicate(error: unknown): boolean {
  const { keyPattern } = (error ?? {}) as { readonly keyPattern?: object };
  return codeOf(error) === DUPLICATE_KEY && (keyPattern === undefined || "_id" in keyPattern);
}

/** The server's error repeats a document that a validator or an index refused: it must not be shown. */
function advised(error: unknown): unknown {
  const finding = explain(error);
  if (finding === undefined) return error;
  const hides = codeOf(error) === FAILED_VALIDATION || codeOf(error) === DUPLICATE_KEY;
  return new SessionError("storage", `${finding.what}; ${finding.advice}`, hides ? {} : { cause: error });
}

const LOSES = "FerretDB 1 executes two overlapping updates of the same version: changes are lost";
const ROLE = "grant it find, insert, update and remove on the collection, or the role readWrite";
const SWEEP = 'write `storage.startSweep({ every: "10m" })`, or call sweep periodically';
const OWN_COLLECTION = "use a separate collection for sessions, without such options";

/** Returns what an error of the server means. */
function explain(error: unknown): StorageFinding | undefined {
  const name = error instanceof Error ? error.name : "";
  if (/^Mongo(NotConnected|TopologyClosed|ServerClosed|ClientClosed)Error$/.test(name)) {
    return bad("the client is closed, or was never connected", "close it after the last request");
  }
  switch (codeOf(error)) {
    case 13:
      return bad("the user has no permission", ROLE);
    case FAILED_VALIDATION:
      return bad("the collection has a validator, which refuses the documents of sessions", OWN_COLLECTION);
    case DUPLICATE_KEY:
      return bad("the collection has a unique index in addition to _id", OWN_COLLECTION);
    case 10_107:
    case 13_435:
      return bad("the server accepts no writes: it is not a primary", "connect to the replica set, by its name");
    default:
      return undefined;
  }
}

function collidesBy({ locale }: { readonly locale?: string }): string {
  return `the collection compares keys by the collation ${String(locale)}, which may make different keys equal`;
}

function indexFinding(index: { readonly expireAfterSeconds?: unknown } | undefined): StorageFinding {
  if (!index) return warning('the index on "expiresAt" is missing', "create it with `await storage.ensureSchema()`");
  if (index.expireAfterSeconds !== undefined) return ok("the server removes expired documents");
  return ok("the server has no index that removes expired documents", SWEEP);
}

const ignored = (): undefined => undefined;
