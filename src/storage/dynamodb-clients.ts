import { kindOf } from "../util/assert.js";
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
      "dynamodbStorage(DynamoDBDocument.from(client), { table })",
  },
];

/** Returns a table for a client, whose kind is recognised by its methods. */
export function tableOf(client: DynamodbClient | DynamodbDocument, name: string): Table {
  refuseLookAlikes("dynamodbStorage", client, LOOK_ALIKES);
  if (has(client, ...CALLS)) return plainly(client as DynamodbClient, name);
  if (has(client, ...DOCUMENT_CALLS)) return asDocument(client as DynamodbDocument, name);
  const what = `${kindOf(client)} has neither ${CALLS.join(", ")} nor ${DOCUMENT_CALLS.join(", ")}`;
  throw new TypeError(`holdfast: dynamodbStorage: ${what}; write dynamodbStorage(new DynamoDB({ … }), { table })`);
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
