/**
 * Records in a DynamoDB table.
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
  type Version,
  type Written,
} from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { misuse, onlyKeys } from "../util/assert.js";
import {
  tableOf,
  type DynamodbClient,
  type DynamodbCommands,
  type DynamodbDocument,
  type DynamodbSender,
  type Table,
} from "./dynamodb-clients.js";
import { bad, DEFAULT_PREFIX, ok, tryChanges, warning } from "./findings.js";
import { newVersion } from "./driver.js";

export type { DynamodbClient, DynamodbCommands, DynamodbDocument, DynamodbSender } from "./dynamodb-clients.js";

/** Options of {@link dynamodbStorage}. */
export interface DynamodbOptions {
  /** Name of the table, whose only key is the string `key`. Default `holdfast_sessions`. */
  table?: string;
  /** Command classes of the SDK's packages, required for a client that only has `send()`. */
  commands?: DynamodbCommands;
}

/**
 * Stores records in one DynamoDB table, one item each: `key`, `version`, `value`, `deadline`, and `ttl`, which the
 * service uses to remove expired items. Reads are consistent, writes are conditional; each call is one request.
 *
 * @param client - `new DynamoDB({ … })`, or `DynamoDBDocument.from(client)` for any other client of the AWS SDK 3; a
 *   `DynamoDBClient` or `DynamoDBDocumentClient` with `commands`
 * @param options - `table` and `commands`
 * @returns the storage; `await storage.ensureSchema()` creates the table
 * @throws {TypeError} if the client is not supported; the message says what to pass
 * @example
 * ```ts
 * const storage = dynamodbStorage(new DynamoDB({ region: "eu-central-1" }), { table: "sessions" });
 * ```
 */
export function dynamodbStorage(
  client: DynamodbClient | DynamodbDocument | DynamodbSender,
  options: DynamodbOptions = {},
): DynamodbStorage {
  const { table = "holdfast_sessions", commands } = onlyKeys("dynamodbStorage", options, ["table", "commands"]);
  if (typeof table !== "string" || !/^[\w.-]{3,255}$/.test(table)) throw misuse("table", table, '"sessions"');
  return new DynamodbStorage(tableOf(client, table, commands));
}

/** The storage of {@link dynamodbStorage}. */
export class DynamodbStorage implements Storage {
  /** A DynamoDB item has at most 400 KB, including names and key; this leaves some room for these. */
  readonly maxValueBytes: number = 400_000;
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /**
   * Creates the table, with on-demand billing, if it is missing, and turns time-to-live by `ttl` on. Any number of
   * processes may call it at the same time, at each start.
   *
   * @throws {SessionError} `unsupported` for a document client, which cannot create tables; otherwise the error of the
   *   service
   * @example
   * ```ts
   * await storage.ensureSchema();
   * ```
   */
  async ensureSchema(): Promise<void> {
    const { client, name: TableName } = this.#table;
    if (!client) throw new SessionError("unsupported", `this client cannot create tables; ${WITH_DYNAMODB}`);
    const isThere = await client.describeTable({ TableName }).then(() => true, ifNamed("ResourceNotFoundException"));
    if (!isThere) await client.createTable({ TableName, ...SCHEMA }).catch(ifNamed("ResourceInUseException"));
    for (const end = Date.now() + CREATE_MS; ; await new Promise((resolve) => setTimeout(resolve, 500))) {
      const { Table } = (await client.describeTable({ TableName }).catch(ifNamed("ResourceNotFoundException"))) ?? {};
      if (Table?.TableStatus === "ACTIVE" || Table?.TableStatus === "UPDATING") break;
      if (Date.now() > end) throw new SessionError("storage", `the table ${TableName} is still being created`);
    }
    const { TimeToLiveDescription } = await client.describeTimeToLive({ TableName });
    if (`${TimeToLiveDescription?.TimeToLiveStatus}`.startsWith("ENABL")) return;
    const TimeToLiveSpecification = { AttributeName: "ttl", Enabled: true };
    // Another process may have turned it on a moment ago.
    await client.updateTimeToLive({ TableName, TimeToLiveSpecification }).catch(ifNamed("ValidationException"));
  }

  /** Implements the storage contract. */
  async get(key: string, call: StorageCall): Promise<StoredEntry | undefined> {
    const { Item } = await this.#send("get", { ...this.#key(key), ConsistentRead: true }, call);
    return Item && entryOf(Item);
  }

  /** Implements the storage contract. */
  async create(key: string, { value, expiresAt }: StorageEntry, call: StorageCall): Promise<Written | false> {
    const { text, name: TableName } = this.#table;
    const version = newVersion();
    const Item = { key: text(key), version: text(version), value: text(value), ...this.#deadline(expiresAt) };
    const condition = {
      ConditionExpression: "attribute_not_exists(#key)",
      ExpressionAttributeNames: { "#key": "key" },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    };
    return (await this.#change("put", { TableName, Item, ...condition }, version, call)) && { version };
  }

  /** Implements the storage contract. */
  async update(
    key: string,
    { value, expiresAt }: StorageEntry,
    version: Version,
    call: StorageCall,
  ): Promise<Written | false> {
    const { text } = this.#table;
    const next = newVersion();
    const fields = { version: text(next), value: text(value), ...this.#deadline(expiresAt) };
    return (await this.#set(key, version, fields, next, call)) && { version: next };
  }

  /** Implements the storage contract. */
  async touch(key: string, expiresAt: number, version: Version, call: StorageCall): Promise<Written | false> {
    return (await this.#set(key, version, this.#deadline(expiresAt), undefined, call)) && { version };
  }

  /** Implements the storage contract. */
  async delete(key: string, version: Version, call: StorageCall): Promise<boolean> {
    const condition = {
      ConditionExpression: "#version = :old",
      ExpressionAttributeNames: { "#version": "version" },
      ExpressionAttributeValues: { ":old": this.#table.text(`${version}`) },
    };
    return this.#change("delete", { ...this.#key(key), ...condition }, undefined, call);
  }

  /**
   * Removes every key that starts with `prefix`; it reads the whole table, page by page.
   *
   * @param prefix - start of the keys
   * @param call - as in every call
   */
  async clear(prefix: string, call: StorageCall): Promise<void> {
    const input = {
      TableName: this.#table.name,
      ConsistentRead: true,
      FilterExpression: "begins_with(#key, :prefix)",
      ProjectionExpression: "#key",
      ExpressionAttributeNames: { "#key": "key" },
      ExpressionAttributeValues: { ":prefix": this.#table.text(prefix) },
    };
    let page: { LastEvaluatedKey?: object; Items?: { key: unknown }[] } = {};
    do {
      const from = page.LastEvaluatedKey ? { ExclusiveStartKey: page.LastEvaluatedKey } : {};
      page = await this.#send("scan", { ...input, ...from }, call);
      const keys = (page.Items ?? []).map(({ key }) => textOf(key)!);
      while (keys.length > 0) {
        await Promise.all(keys.splice(0, AT_ONCE).map((key) => this.#send("delete", this.#key(key), call)));
      }
    } while (page.LastEvaluatedKey);
  }

  /**
   * Checks the permissions, the table, its `ttl` and its replicas.
   *
   * @param call - as in every call
   * @param prefix - start of the test keys. Default `holdfast:`
   * @returns the findings, each with a level and advice
   * @throws the error of the client, if the service cannot be reached
   * @example
   * ```ts
   * const findings = await storage.check({ now: Date.now(), signal: AbortSignal.timeout(5000) });
   * ```
   */
  async check(call: StorageCall, prefix: string = DEFAULT_PREFIX): Promise<StorageFinding[]> {
    const tried = await tryChanges(this, call, prefix, () => undefined);
    const { client, name: TableName } = this.#table;
    if (!client) return [tried, warning(UNSEEN, WITH_DYNAMODB)];
    const unknown = (): undefined => undefined;
    const { Table } = (await client.describeTable({ TableName }).catch(unknown)) ?? {};
    const { TimeToLiveDescription: ttl } = (await client.describeTimeToLive({ TableName }).catch(unknown)) ?? {};
    return [tried, ttlFinding(ttl), ...replicaFindings(Table)];
  }

  #key(key: string): { TableName: string; Key: object } {
    return { TableName: this.#table.name, Key: { key: this.#table.text(key) } };
  }

  #deadline(expiresAt: number): { deadline: unknown; ttl: unknown } {
    const { text, number } = this.#table;
    return { deadline: text(`${expiresAt}`), ttl: number(Math.ceil((expiresAt + CLOCK_SKEW_MS) / 1000)) };
  }

  #set(key: string, version: Version, fields: object, next: string | undefined, call: StorageCall): Promise<boolean> {
    const names = Object.keys(fields);
    const input = {
      ...this.#key(key),
      UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}`,
      ConditionExpression: "#version = :old",
      ExpressionAttributeNames: Object.fromEntries(["version", ...names].map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: {
        ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [`:${name}`, value])),
        ":old": this.#table.text(`${version}`),
      },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    };
    return this.#change("update", input, next, call);
  }

  /**
   * Returns true if a conditional request took effect. The client repeats a request whose response was lost; the
   * repetition then finds the version that the first one wrote, which no other writer can have generated.
   */
  async #change(
    name: "put" | "update" | "delete",
    input: object,
    mine: string | undefined,
    call: StorageCall,
  ): Promise<boolean> {
    try {
      await this.#send(name, input, call);
      return true;
    } catch (error) {
      if (nameOf(error) !== "ConditionalCheckFailedException") throw error;
      return mine !== undefined && textOf((error as { Item?: { version?: unknown } }).Item?.version) === mine;
    }
  }

  async #send(
    name: "get" | "put" | "update" | "delete" | "scan",
    input: object,
    { signal }: StorageCall,
  ): Promise<any> {
    try {
      return await this.#table[name](input, { abortSignal: signal });
    } catch (error) {
      throw this.#advised(error);
    }
  }

  #advised(error: unknown): unknown {
    switch (nameOf(error)) {
      case "ResourceNotFoundException":
        return new SessionError("storage", `the table ${this.#table.name} does not exist; ${MAKE_IT}`, {
          cause: error,
        });
      case "AccessDeniedException":
        return new SessionError("storage", `the client has no permission; ${RIGHTS}`, { cause: error });
      case "ValidationException":
        if (!/item size/i.test((error as Error).message)) return error;
        return new SessionError("too-large", "the session is larger than a DynamoDB item can be", { cause: error });
      default:
        return error;
    }
  }
}

/** How long the creation of a table may take, in ms. */
const CREATE_MS = 60_000;

/** How many items `clear` removes in parallel. */
const AT_ONCE = 25;

const SCHEMA = {
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "key", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "key", KeyType: "HASH" }],
};

const UNSEEN = "a document client cannot check the table, nor can a client without the commands for it";
const WITH_DYNAMODB = "create and check the table with dynamodbStorage(new DynamoDB({ … }), { table })";
const MAKE_IT = "create it with `await storage.ensureSchema()`, in the region of the client";
const RIGHTS = "allow it dynamodb:GetItem, PutItem, UpdateItem and DeleteItem on the table";

/** Version of items that this driver did not write: it never matches. */
const NEVER = "not written by holdfast";

/** An item that this driver did not write is returned as an entry; the store finds that it is not a record. */
function entryOf(item: { value?: unknown; version?: unknown; deadline?: unknown }): StoredEntry {
  const [value, version, deadline] = [textOf(item.value), textOf(item.version), textOf(item.deadline)];
  const isOurs = version !== undefined && deadline !== undefined && /^-?\d{1,16}$/.test(deadline);
  if (!isOurs) return { value: "", version: NEVER, expiresAt: 0 };
  // A document client can be configured to write an empty string as null.
  return { value: value ?? "", version, expiresAt: Number(deadline) };
}

/** Returns a string attribute, in the format of either client. */
function textOf(attribute: unknown): string | undefined {
  if (typeof attribute === "string") return attribute;
  const { S } = (attribute ?? {}) as { readonly S?: unknown };
  return typeof S === "string" ? S : undefined;
}

function nameOf(error: unknown): unknown {
  return (error as { readonly name?: unknown } | null)?.name;
}

/** Ignores an error with this name. */
function ifNamed(name: string): (error: unknown) => undefined {
  return (error) => {
    if (nameOf(error) !== name) throw error;
  };
}

function ttlFinding(ttl: { TimeToLiveStatus?: string; AttributeName?: string } | undefined): StorageFinding {
  if (!ttl) return warning("it is not known if the table removes expired items", "allow dynamodb:DescribeTimeToLive");
  if (ttl.TimeToLiveStatus?.startsWith("ENABL") && ttl.AttributeName === "ttl")
    return ok("expired items are removed");
  return warning(
    'the table has no time-to-live by "ttl": expired items are not removed',
    "call `await storage.ensureSchema()`",
  );
}

function replicaFindings(
  table: { Replicas?: unknown[]; MultiRegionConsistency?: string } | undefined,
): StorageFinding[] {
  if (!table) return [warning("the table could not be checked", "allow dynamodb:DescribeTable")];
  if (!table.Replicas?.length || table.MultiRegionConsistency === "STRONG")
    return [ok("every read sees every write")];
  const what = "a global table with asynchronous replication: another region sees a logout late";
  return [bad(what, "use one region for sessions, or a table with multi-region strong consistency")];
}
