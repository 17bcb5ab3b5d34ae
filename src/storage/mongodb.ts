/**
 * Records in a collection of MongoDB, or of a server that speaks its protocol.
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
import { SessionError } from "../errors.js";
import { kindOf } from "../util/assert.js";
import { bad, clockFinding, DEFAULT_PREFIX, length, ok, tryChanges, warning } from "./findings.js";
import { drawVersion } from "./driver.js";
import { has, refuseLookAlikes, type LookAlike } from "./look-alikes.js";
import { Sweeping } from "./sweeping.js";

/** A collection of `mongodb`, as far as it is used; documents and options are plain objects. */
export interface MongodbCollection {
  findOne(filter: any, options: any): Promise<any>;
  insertOne(document: any, options: any): Promise<any>;
  updateOne(filter: any, update: any, options: any): Promise<any>;
  deleteOne(filter: any, options: any): Promise<any>;
  deleteMany(filter: any, options: any): Promise<any>;
  createIndex(keys: any, options: any): Promise<unknown>;
  /** Asked by `check` and `ensureSchema`, if it is there. */
  readonly db?: { command(command: any, options: any): Promise<any> };
  readonly collectionName?: string;
}

/**
 * Keeps records in one collection: `{ _id: key, value, version, expiresAt }`, each call one command on one document.
 * Reads are answered by the primary and writes acknowledged by the majority, whatever the client's own settings are.
 *
 * @param collection - A collection of `mongodb` 5 or newer, or one of Mongoose's connection. Give sessions one of
 *   their own.
 * @returns The storage. `await storage.ensureSchema()` makes its index.
 * @throws TypeError for what is no collection, naming what to hand in.
 *
 * @example
 * const client = new MongoClient("mongodb://localhost:27017/app");
 * const storage = mongodbStorage(client.db().collection("sessions"));
 */
export function mongodbStorage(collection: MongodbCollection): MongodbStorage {
  refuseLookAlikes("mongodbStorage", collection, LOOK_ALIKES);
  const lacking = CALLS.filter((call) => !has(collection, call));
  if (lacking.length > 0) {
    const write = 'mongodbStorage(client.db().collection("sessions"))';
    throw new TypeError(
      `holdfast: mongodbStorage: ${kindOf(collection)} lacks ${lacking.join(", ")}; write ${write}`,
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

/** Records of {@link mongodbStorage}. */
export class MongodbStorage implements Storage {
  /** A document of MongoDB has at most 16 MiB. */
  readonly maxValueBytes: number = 16 * 1024 * 1024 - 4096;
  readonly #collection: MongodbCollection;
  readonly #sweeping = new Sweeping((now, signal) => this.sweep({ now, signal, timeout: SWEEP_MS }));

  constructor(collection: MongodbCollection) {
    this.#collection = collection;
  }

  /**
   * Makes the index that removes what has expired, or, on servers without such, the one that `sweep` goes by. Any
   * number of processes may do so at once, at each start.
   *
   * @throws What the server throws, and a `SessionError` if the collection takes different keys for one.
   *
   * @example
   * await storage.ensureSchema();
   */
  async ensureSchema(): Promise<void> {
    const [index, options] = [{ expiresAt: 1 }, { name: "holdfast_expires_at", ...BSON }];
    await this.#run(() =>
      this.#collection.createIndex(index, { ...options, expireAfterSeconds: CLOCK_SKEW_MS / 1000 }).catch((error) => {
        if (!NO_TTL_CODES.has(codeOf(error))) throw error;
        return this.#collection.createIndex(index, options);
      }),
    );
    const { collation } = (await this.#listed()) ?? {};
    if (collation) throw new SessionError("unsupported", `${collidesBy(collation)}; ${OWN_COLLECTION}`);
  }

  /** See the storage contract. */
  async get(key: string, call: StorageCall): Promise<StoredEntry | undefined> {
    return entryOf(await this.#run(() => this.#collection.findOne({ _id: key }, readOptions(call))));
  }

  /** See the storage contract. */
  async create(key: string, { value, expiresAt }: StorageEntry, call: StorageCall): Promise<Written | false> {
    const version = drawVersion();
    const document = { _id: key, value, version, expiresAt: new Date(expiresAt) };
    const inserted = await this.#run(() =>
      this.#collection.insertOne(document, writeOptions(call)).catch((error: unknown) => {
        if (!isDuplicate(error)) throw error;
      }),
    );
    return inserted !== undefined && acknowledged(inserted) && { version };
  }

  /** See the storage contract. */
  async update(
    key: string,
    { value, expiresAt }: StorageEntry,
    version: Version,
    call: StorageCall,
  ): Promise<Written | false> {
    const next = drawVersion();
    const updated = await this.#set(key, version, { value, version: next, expiresAt: new Date(expiresAt) }, call);
    return updated && { version: next };
  }

  /** See the storage contract. */
  async touch(key: string, expiresAt: number, version: Version, call: StorageCall): Promise<Written | false> {
    return (await this.#set(key, version, { expiresAt: new Date(expiresAt) }, call)) && { version };
  }

  /** See the storage contract. */
  async delete(key: string, version: Version, call: StorageCall): Promise<boolean> {
    const deleted = await this.#run(() => this.#collection.deleteOne({ _id: key, version }, writeOptions(call)));
    return acknowledged(deleted) && Number(deleted.deletedCount) > 0;
  }

  /** Removes every key that starts with `prefix`. */
  async clear(prefix: string, call: StorageCall): Promise<void> {
    // Keys are visible ASCII: U+007F is above whatever may follow the prefix.
    await this.#run(() =>
      this.#collection.deleteMany({ _id: { $gte: prefix, $lt: `${prefix}\u007f` } }, writeOptions(call)),
    );
  }

  /** Removes what expired five minutes ago, for servers without an index that does so; answers how many. */
  async sweep(call: StorageCall): Promise<number> {
    const expired = { expiresAt: { $lte: new Date(call.now - CLOCK_SKEW_MS) } };
    return Number((await this.#run(() => this.#collection.deleteMany(expired, writeOptions(call)))).deletedCount);
  }

  /**
   * Sweeps every so often, from a timer that keeps no process running, until `close`; only for servers whose index
   * removes nothing. Called again it starts anew.
   *
   * @param options - `every` (default `"10m"`), and `onError`, which is told why a sweep failed (default: a warning).
   * @throws TypeError or RangeError for options that are none.
   *
   * @example
   * storage.startSweep({ every: "10m" });
   */
  startSweep(options?: SweepOptions): void {
    this.#sweeping.start(options);
  }

  /** Stops what `startSweep` started. The client stays the application's. */
  close(): void {
    this.#sweeping.stop();
  }

  /**
   * Looks at the rights there are, the index, the collation, what was not removed, the server's role and its clock.
   *
   * @param call - `now` is compared with the server's clock.
   * @param prefix - What the keys begin with that the rights are tried with. Default `holdfast:`.
   * @returns What was found, each with its level and what to do about it.
   * @throws What the client throws where the server cannot be reached.
   *
   * @example
   * const findings = await storage.check({ now: Date.now(), signal: AbortSignal.timeout(5000) });
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
        ? warning(`documents that expired ${length(late)} ago are still there`, SWEEP)
        : ok("what has expired is removed"),
    ];
  }

  async #serverFindings({ now }: StorageCall): Promise<StorageFinding[]> {
    const hello = await this.#command({ hello: 1 }).catch(ignored);
    const { ferretdbVersion } = (await this.#command({ buildInfo: 1 }).catch(ignored)) ?? {};
    if (!hello)
      return [warning("the server's role and clock are not known", "hand in a collection of mongodb 6 or newer")];
    return [
      hello.isWritablePrimary
        ? ok("the server takes writes")
        : bad("the server is no primary", "connect to the replica set: mongodb://host/?replicaSet=NAME"),
      hello.setName || hello.msg === "isdbgrid"
        ? ok("a write is acknowledged when the majority has it")
        : warning("a single server: what it loses is lost", "run a replica set, or see to its disk"),
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

  /** The options that the collection was made with; none where it was not made yet. */
  async #listed(): Promise<{ readonly collation?: { readonly locale?: string } } | undefined> {
    const listed = await this.#command({ listCollections: 1, filter: { name: this.#collection.collectionName } });
    return listed?.cursor?.firstBatch?.[0]?.options;
  }

  async #command(command: object): Promise<any> {
    return this.#collection.db?.command(command, BSON);
  }

  /** Runs a command; what is known of its error is said. */
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

/** How long documents that expired may stay before `check` says so, in ms: the server removes them once a minute. */
const LAG_MS = 60 * 60_000;

/** Not implemented, or refused as an option: servers that only speak MongoDB's protocol. */
const NO_TTL_CODES: ReadonlySet<unknown> = new Set([67, 72, 115, 238, 303]);

const DUPLICATE_KEY = 11_000;
const FAILED_VALIDATION = 121;
/** Documents come back as they went in, whatever the client is told to make of others. */
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

/** A logout that one server alone has heard of may be undone when another becomes the primary. */
function writeOptions(call: StorageCall): object {
  return { ...readOptions(call), writeConcern: { w: "majority" } };
}

/** The version of what this driver did not write: it matches nothing. */
const NEVER = "not written by holdfast";

/** What somebody else wrote is answered as it is: the store finds that it is no record. */
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
  if (acknowledged === false)
    throw new SessionError("storage", "the server was not asked whether the write took place");
  return true;
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

/** Of the key, and not of an index that somebody made. */
function isDuplicate(error: unknown): boolean {
  const { keyPattern } = (error ?? {}) as { readonly keyPattern?: object };
  return codeOf(error) === DUPLICATE_KEY && (keyPattern === undefined || "_id" in keyPattern);
}

/** A document that a validator refused, or an index, is repeated in the server's error: none of it may be shown. */
function advised(error: unknown): unknown {
  const finding = explain(error);
  if (finding === undefined) return error;
  const hides = codeOf(error) === FAILED_VALIDATION || codeOf(error) === DUPLICATE_KEY;
  return new SessionError("storage", `${finding.what}; ${finding.advice}`, hides ? {} : { cause: error });
}

const LOSES = "FerretDB 1 does both of two updates that overlap and name the same version: changes are lost";
const ROLE = "grant it find, insert, update and remove on the collection, or the role readWrite";
const SWEEP = 'write `storage.startSweep({ every: "10m" })`, or call sweep from anywhere';
const OWN_COLLECTION = "give sessions a collection of their own, made without such options";

/** What a refusal of the server means. */
function explain(error: unknown): StorageFinding | undefined {
  const name = error instanceof Error ? error.name : "";
  if (/^Mongo(NotConnected|TopologyClosed|ServerClosed|ClientClosed)Error$/.test(name)) {
    return bad("the client is closed, or was never connected", "close it after the last request");
  }
  switch (codeOf(error)) {
    case 13:
      return bad("the user may not do that", ROLE);
    case FAILED_VALIDATION:
      return bad("the collection has a validator, which refuses the documents of sessions", OWN_COLLECTION);
    case DUPLICATE_KEY:
      return bad("the collection has a unique index beside that of _id", OWN_COLLECTION);
    case 10_107:
    case 13_435:
      return bad("the server takes no writes: it is no primary", "connect to the replica set, by its name");
    default:
      return undefined;
  }
}

function collidesBy({ locale }: { readonly locale?: string }): string {
  return `the collection compares keys by the collation ${String(locale)}, which may take different ones for one`;
}

function indexFinding(index: { readonly expireAfterSeconds?: unknown } | undefined): StorageFinding {
  if (!index) return warning('the index on "expiresAt" is missing', "make it with `await storage.ensureSchema()`");
  if (index.expireAfterSeconds !== undefined) return ok("the server removes what has expired");
  return ok("the server has no index that removes what has expired", SWEEP);
}

const ignored = (): undefined => undefined;
