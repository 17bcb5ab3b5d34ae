import { mistake, SessionError } from "../errors.js";
import { kindOf, misplaced } from "../util/assert.js";
import { has, refuseLookAlikes, type LookAlike } from "./look-alikes.js";

/** The part of the client `DynamoDB` of `@aws-sdk/client-dynamodb` that is used. */
export interface DynamodbClient {
  getItem(input: any, options?: any): Promise<any>;
  putItem(input: any, options?: any): Promise<any>;
  updateItem(input: any, options?: any): Promise<any>;
  deleteItem(input: any, options?: any): Promise<any>;
  scan(input: any, options?: any): Promise<any>;
  describeTable(input: any, options?: any): Promise<any>;
  createTable(input: any, options?: any): Promise<any>;
  describeTimeToLive(input: any, options?: any): Promise<any>;
  updateTimeToLive(input: any, options?: any): Promise<any>;
}

/** The part of the client `DynamoDBDocument` of `@aws-sdk/lib-dynamodb` that is used. */
export interface DynamodbDocument {
  get(input: any, options?: any): Promise<any>;
  put(input: any, options?: any): Promise<any>;
  update(input: any, options?: any): Promise<any>;
  delete(input: any, options?: any): Promise<any>;
  scan(input: any, options?: any): Promise<any>;
}

/** The part of `DynamoDBClient` and `DynamoDBDocumentClient` that is used. */
export interface DynamodbSender {
  send(command: any, options?: any): Promise<any>;
}

/** A command class of the SDK. */
type CommandClass = new (input: any) => any;

/**
 * The command classes for such a client: those of `@aws-sdk/client-dynamodb`, or those of `@aws-sdk/lib-dynamodb`.
 * `clear` needs `ScanCommand`; `ensureSchema` and `check` need the last four.
 */
export interface DynamodbCommands {
  readonly GetItemCommand?: CommandClass;
  readonly PutItemCommand?: CommandClass;
  readonly UpdateItemCommand?: CommandClass;
  readonly DeleteItemCommand?: CommandClass;
  readonly GetCommand?: CommandClass;
  readonly PutCommand?: CommandClass;
  readonly UpdateCommand?: CommandClass;
  readonly DeleteCommand?: CommandClass;
  readonly ScanCommand?: CommandClass;
  readonly DescribeTableCommand?: CommandClass;
  readonly CreateTableCommand?: CommandClass;
  readonly DescribeTimeToLiveCommand?: CommandClass;
  readonly UpdateTimeToLiveCommand?: CommandClass;
}

const CALLS = ["getItem", "putItem", "updateItem", "deleteItem", "scan", "describeTable"] as const;
const DOCUMENT_CALLS = ["get", "put", "update", "delete", "scan"] as const;

const LOOK_ALIKES: readonly LookAlike[] = [
  {
    name: "a client of the AWS SDK 2",
    matches: (client) => has(client, "makeRequest") || ("service" in client && has(client, "batchGet")),
    write: () => "dynamodbStorage(new DynamoDB({ … }), { table }), of @aws-sdk/client-dynamodb",
  },
  {
    name: "a DynamoDBClient or a DynamoDBDocumentClient, which only has send()",
    matches: (client) => has(client, "send") && !has(client, "getItem") && !has(client, "get"),
    write: () =>
      "dynamodbStorage(new DynamoDB({ … }), { table }), its subclass, or " +
      "dynamodbStorage(DynamoDBDocument.from(client), { table }), or pass its commands: " +
      "{ table, commands: { GetItemCommand, PutItemCommand, UpdateItemCommand, DeleteItemCommand } }",
  },
];

/** Returns a table for a client, whose kind is recognised by its methods or by the commands passed with it. */
export function tableOf(
  client: DynamodbClient | DynamodbDocument | DynamodbSender,
  name: string,
  commands: DynamodbCommands | undefined,
): Table {
  if (commands !== undefined) return bySending(client, name, commands);
  refuseLookAlikes("dynamodbStorage", client, LOOK_ALIKES);
  if (has(client, ...CALLS)) return plainly(client as DynamodbClient, name);
  if (has(client, ...DOCUMENT_CALLS)) return asDocument(client as DynamodbDocument, name);
  const what = `${kindOf(client)} has neither ${CALLS.join(", ")} nor ${DOCUMENT_CALLS.join(", ")}`;
  throw mistake("wrong-client", `dynamodbStorage: ${what}; write dynamodbStorage(new DynamoDB({ … }), { table })`);
}

/** Methods and their command classes: for items, for documents, and for the table itself. */
const ITEM_COMMANDS = {
  getItem: "GetItemCommand",
  putItem: "PutItemCommand",
  updateItem: "UpdateItemCommand",
  deleteItem: "DeleteItemCommand",
} as const;
const DOCUMENT_COMMANDS = {
  get: "GetCommand",
  put: "PutCommand",
  update: "UpdateCommand",
  delete: "DeleteCommand",
} as const;
const TABLE_COMMANDS = {
  describeTable: "DescribeTableCommand",
  createTable: "CreateTableCommand",
  describeTimeToLive: "DescribeTimeToLiveCommand",
  updateTimeToLive: "UpdateTimeToLiveCommand",
} as const;

function bySending(client: unknown, name: string, commands: DynamodbCommands): Table {
  if (!has(client, "send")) throw misplaced("client", client, "a DynamoDBClient, which has send(), with `commands`");
  const known = (classes: object): boolean => has(commands, ...(Object.values(classes) as string[]));
  const through = (classes: object): any =>
    Object.fromEntries(
      Object.entries({ ...classes, scan: "ScanCommand" }).map(([call, command]) => [
        call,
        sending(client as DynamodbSender, commands, command as keyof DynamodbCommands),
      ]),
    );
  if (known(DOCUMENT_COMMANDS)) return asDocument(through(DOCUMENT_COMMANDS) as DynamodbDocument, name);
  if (!known(ITEM_COMMANDS)) throw misplaced("commands", commands, `{ ${Object.values(ITEM_COMMANDS).join(", ")} }`);
  const table = plainly(through({ ...ITEM_COMMANDS, ...TABLE_COMMANDS }) as DynamodbClient, name);
  return known(TABLE_COMMANDS) ? table : { ...table, client: undefined };
}

function sending(
  client: DynamodbSender,
  commands: DynamodbCommands,
  command: keyof DynamodbCommands,
): (input: unknown, options?: unknown) => Promise<any> {
  return async (input, options) => {
    const Command = commands[command];
    if (!Command) throw new SessionError("unsupported", `commands lack ${command}`);
    return client.send(new Command(input), options);
  };
}

/** One interface for both clients: attribute values and requests. */
export interface Table {
  readonly name: string;
  text(value: string): unknown;
  number(value: number): unknown;
  get(input: object, options: object): Promise<any>;
  put(input: object, options: object): Promise<any>;
  update(input: object, options: object): Promise<any>;
  delete(input: object, options: object): Promise<any>;
  scan(input: object, options: object): Promise<any>;
  /** The client for requests about the table, if it has them. */
  readonly client: DynamodbClient | undefined;
}

function plainly(client: DynamodbClient, name: string): Table {
  return {
    name,
    client,
    text: (value) => ({ S: value }),
    number: (value) => ({ N: `${value}` }),
    get: (input, options) => client.getItem(input, options),
    put: (input, options) => client.putItem(input, options),
    update: (input, options) => client.updateItem(input, options),
    delete: (input, options) => client.deleteItem(input, options),
    scan: (input, options) => client.scan(input, options),
  };
}

function asDocument(client: DynamodbDocument, name: string): Table {
  return {
    name,
    client: undefined,
    text: (value) => value,
    number: (value) => value,
    get: (input, options) => client.get(input, options),
    put: (input, options) => client.put(input, options),
    update: (input, options) => client.update(input, options),
    delete: (input, options) => client.delete(input, options),
    scan: (input, options) => client.scan(input, options),
  };
}
