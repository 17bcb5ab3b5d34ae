/**
 * Records in a table of DynamoDB.
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
import { tableOf, type DynamodbClient, type DynamodbDocument, type Table } from "./dynamodb-clients.js";
import { bad, DEFAULT_PREFIX, ok, tryChanges, warning } from "./findings.js";
import { drawVersion } from "./driver.js";

export type { DynamodbClient, DynamodbDocument } from "./dynamodb-clients.js";

/** Where the records are kept. */
export interface DynamodbOptions {
  /** Name of the table, whose only key is the string `key`. Default `holdfast_sessions`. */
  table?: string;
}

/**
 * Keeps records in one table of DynamoDB, an item each: `key`, `version`, `value`, `deadline`, and `ttl`, by which
 * the service removes what has expired. Reads are consistent, writes conditional; each call is one request.
 *
 * @param client - `new DynamoDB({ … })`, or `DynamoDBDocument.from(client)` over any other client of the AWS SDK 3.
 * @param options - `table`.
 * @returns The storage. `await storage.ensureSchema()` makes the table.
 * @throws TypeError for what is no such client, naming what to hand in.
 *
 * @example
 * const storage = dynamodbStorage(new DynamoDB({ region: "eu-central-1" }), { table: "sessions" });
 */
export function dynamodbStorage(
  client: DynamodbClient | DynamodbDocument,
  options: DynamodbOptions = {},
): DynamodbStorage {
  const { table = "holdfast_sessions" } = onlyKeys("dynamodbStorage", options, ["table"]);
  if (typeof table !== "string" || !/^[\w.-]{3,255}$/.test(table)) throw misuse("table", table, '"sessions"');
  return new DynamodbStorage(tableOf(client, table));
}

/** Records of {@link dynamodbStorage}. */
export class DynamodbStorage implements Storage {
  /** An item of DynamoDB has at most 400 KB, its names and key included; there is some room for these. */
  readonly maxValueBytes: number = 400_000;
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /**
   * Makes the table, paid per request, if it is missing, and has what expired removed by its `ttl`. Any number of
   * processes may do so at once, at each start.
   *
   * @throws What the service throws, and a `SessionError` for a document client, which makes no tables.
   *
   * @example
   * await storage.ensureSchema();
   */
  async ensureSchema(): Promise<void> {
    const { client, name: TableName } = this.#table;
    if (!client) throw new SessionError("unsupported", `a document client makes no tables; ${WITH_DYNAMODB}`);
    const isThere = await client.describeTable({ TableName }).then(() => true, ifNamed("ResourceNotFoundException"));
    if (!isThere) await client.createTable({ TableName, ...SCHEMA }).catch(ifNamed("ResourceInUseException"));
    for (const end = Date.now() + CREATE_MS; ; await new Promise((resolve) => setTimeout(resolve, 500))) {
      const { Table } = (await client.describeTable({ TableName }).catch(ifNamed("ResourceNotFoundException"))) ?? {};
      if (Table?.TableStatus === "ACTIVE" || Table?.TableStatus === "UPDATING") break;
      if (Date.now() > end) throw new SessionError("storage", `the table ${TableName} is still being made`);
    }
    const { TimeToLiveDescription } = await client.describeTimeToLive({ TableName });
    if (`${TimeToLiveDescription?.TimeToLiveStatus}`.startsWith("ENABL")) return;
    const TimeToLiveSpecification = { AttributeName: "ttl", Enabled: true };
    // Another process may have asked for it a moment ago.
    await client.updateTimeToLive({ TableName, TimeToLiveSpecification }).catch(ifNamed("ValidationException"));
  }

  /** See the storage contract. */
  async get(key: string, call: StorageCall): Promise<StoredEntry | undefined> {
    const { Item } = await this.#send("get", { ...this.#key(key), ConsistentRead: true }, call);
    return Item && entryOf(Item);
  }

  /** See the storage contract. */
  async create(key: string, { value, expiresAt }: StorageEntry, call: StorageCall): Promise<Written | false> {
    const { text, name: TableName } = this.#table;
    const version = drawVersion();
    const Item = { key: text(key), version: text(version), value: text(value), ...this.#deadline(expiresAt) };
    const condition = {
      ConditionExpression: "attribute_not_exists(#key)",
      ExpressionAttributeNames: { "#key": "key" },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    };
    return (await this.#change("put", { TableName, Item, ...condition }, version, call)) && { version };
  }

  /** See the storage contract. */
  async update(
    key: string,
    { value, expiresAt }: StorageEntry,
    version: Version,
    call: StorageCall,
  ): Promise<Written | false> {
    const { text } = this.#table;
    const next = drawVersion();
    const fields = { version: text(next), value: text(value), ...this.#deadline(expiresAt) };
    return (await this.#set(key, version, fields, next, call)) && { version: next };
  }

  /** See the storage contract. */
  async touch(key: string, expiresAt: number, version: Version, call: StorageCall): Promise<Written | false> {
    return (await this.#set(key, version, this.#deadline(expiresAt), undefined, call)) && { version };
  }

  /** See the storage contract. */
  async delete(key: string, version: Version, call: StorageCall): Promise<boolean> {
    const condition = {
      ConditionExpression: "#version = :old",
      ExpressionAttributeNames: { "#version": "version" },
      ExpressionAttributeValues: { ":old": this.#table.text(`${version}`) },
    };
    return this.#change("delete", { ...this.#key(key), ...condition }, undefined, call);
  }

  /** Removes every key that starts with `prefix`; it reads the whole table, page by page. */
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
   * Looks at the rights there are, the table, its `ttl` and its replicas.
   *
   * @param call - As for every call.
   * @param prefix - What the keys begin with that the rights are tried with. Default `holdfast:`.
   * @returns What was found, each with its level and what to do about it.
   * @throws What the client throws where the service cannot be reached.
   *
   * @example
   * const findings = await storage.check({ now: Date.now(), signal: AbortSignal.timeout(5000) });
   */
  async check(call: StorageCall, prefix: string = DEFAULT_PREFIX): Promise<StorageFinding[]> {
    const tried = await tryChanges(this, call, prefix, () => undefined);
    const { client, name: TableName } = this.#table;
    if (!client) return [tried, warning("the table cannot be looked at through a document client", WITH_DYNAMODB)];
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
   * Whether a conditional request took effect. The client repeats one whose answer was lost; it then meets what it
   * wrote itself, whose version nobody else can have drawn.
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
        return new SessionError("storage", `there is no table ${this.#table.name}; ${MAKE_IT}`, { cause: error });
      case "AccessDeniedException":
        return new SessionError("storage", `the client may not do that; ${RIGHTS}`, { cause: error });
      case "ValidationException":
        if (!/item size/i.test((error as Error).message)) return error;
        return new SessionError("too-large", "the session is larger than an item of DynamoDB may be", {
          cause: error,
        });
      default:
        return error;
    }
  }
}

/** How long the making of a table is waited for, in ms. */
const CREATE_MS = 60_000;

/** How many items `clear` removes at once. */
const AT_ONCE = 25;

const SCHEMA = {
  BillingMode: "PAY_PER_REQUEST",
  AttributeDefinitions: [{ AttributeName: "key", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "key", KeyType: "HASH" }],
};

const WITH_DYNAMODB = "make and check the table with dynamodbStorage(new DynamoDB({ … }), { table })";
const MAKE_IT = "make it with `await storage.ensureSchema()`, in the region of the client";
const RIGHTS = "allow it dynamodb:GetItem, PutItem, UpdateItem and DeleteItem on the table";

/** The version of what this driver did not write: it matches nothing. */
const NEVER = "not written by holdfast";

/** What somebody else wrote is answered as it is: the store finds that it is no record. */
function entryOf(item: { value?: unknown; version?: unknown; deadline?: unknown }): StoredEntry {
  const [value, version, deadline] = [textOf(item.value), textOf(item.version), textOf(item.deadline)];
  const isOurs = version !== undefined && deadline !== undefined && /^-?\d{1,16}$/.test(deadline);
  if (!isOurs) return { value: "", version: NEVER, expiresAt: 0 };
  // A document client may be told to write an empty text as nothing.
  return { value: value ?? "", version, expiresAt: Number(deadline) };
}

/** An attribute that is a text, as either client gives it. */
function textOf(attribute: unknown): string | undefined {
  if (typeof attribute === "string") return attribute;
  const { S } = (attribute ?? {}) as { readonly S?: unknown };
  return typeof S === "string" ? S : undefined;
}

function nameOf(error: unknown): unknown {
  return (error as { readonly name?: unknown } | null)?.name;
}

/** Goes on after an error of this name. */
function ifNamed(name: string): (error: unknown) => undefined {
  return (error) => {
    if (nameOf(error) !== name) throw error;
  };
}

function ttlFinding(ttl: { TimeToLiveStatus?: string; AttributeName?: string } | undefined): StorageFinding {
  if (!ttl)
    return warning("whether the table removes what expired is not known", "allow dynamodb:DescribeTimeToLive");
  if (ttl.TimeToLiveStatus?.startsWith("ENABL") && ttl.AttributeName === "ttl")
    return ok("what has expired is removed");
  return warning('the table has no time to live by "ttl": what expired stays', "call `await storage.ensureSchema()`");
}

function replicaFindings(
  table: { Replicas?: unknown[]; MultiRegionConsistency?: string } | undefined,
): StorageFinding[] {
  if (!table) return [warning("the table could not be looked at", "allow dynamodb:DescribeTable")];
  if (!table.Replicas?.length || table.MultiRegionConsistency === "STRONG")
    return [ok("every read sees every write")];
  const what = "a global table whose regions follow each other: a logout in one is not seen at once in another";
  return [bad(what, "use one region for sessions, or a table with multi-region strong consistency")];
}
