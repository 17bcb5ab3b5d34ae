/** DynamoDB's requests, through the clients of the AWS SDK 3 since 2023. */
import { randomBytes } from "node:crypto";
import { dynamodbStorage, type DynamodbClient } from "holdfast/storage/dynamodb";
import { AWS_SDK, awsSdk, settingsOf } from "../../support/dynamodb-clients.js";
import type { Service } from "../../support/services.js";
import { ignore, type MatrixRow, type Opened } from "./row.js";

const VERSIONS = ["3.301.0", "3.600.0", AWS_SDK];

/** Older versions take an instance of a package of its own. */
const SOCKETS = { requestHandler: { connectionTimeout: 2000, requestTimeout: 5000, httpAgent: { maxSockets: 1 } } };

/** How a client of items is configured. */
const CLIENT_SETTINGS: Readonly<Record<string, object>> = {
  "as it comes": {},
  "one try": { maxAttempts: 1 },
  "tries that adapt": { retryMode: "adaptive", maxAttempts: 5 },
  "one socket, with timeouts": SOCKETS,
  "credentials by a function": { credentials: async () => ({ accessKeyId: "test", secretAccessKey: "test" }) },
  "credentials of a session": { credentials: { accessKeyId: "test", secretAccessKey: "test", sessionToken: "test" } },
  "its requests in a log": { logger: { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore } },
  "defaults of the region, no endpoints to discover": { defaultsMode: "in-region", endpointDiscoveryEnabled: false },
  "a name for the user agent": { customUserAgent: "shop/1.0" },
};

/** How a document client is told to translate. */
const TRANSLATIONS: Readonly<Record<string, object>> = {
  "as it comes": {},
  "empty values as nothing": { marshallOptions: { convertEmptyValues: true } },
  "undefined left out, instances as maps": {
    marshallOptions: { removeUndefinedValues: true, convertClassInstanceToMap: true },
  },
  "numbers as texts": { unmarshallOptions: { wrapNumbers: true } },
  "all of it": {
    marshallOptions: { convertEmptyValues: true, removeUndefinedValues: true, convertClassInstanceToMap: true },
    unmarshallOptions: { wrapNumbers: true },
  },
};

type Make = (where: Service, version: string) => { readonly client: any; readonly options?: object; destroy(): void };

/** Each kind of client, with what it is told. */
const KINDS: Readonly<Record<string, Make>> = {
  ...Object.fromEntries(
    Object.entries(CLIENT_SETTINGS).map(([how, settings]): [string, Make] => [
      `DynamoDB, ${how}`,
      (where, version) => plain(where, version, settings),
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(TRANSLATIONS).map(([how, translate]): [string, Make] => [
      `DynamoDBDocument, ${how}`,
      (where, version) => {
        const { client, destroy } = plain(where, version);
        return { client: awsSdk("lib-dynamodb", version).DynamoDBDocument.from(client, translate), destroy };
      },
    ]),
  ),
  "DynamoDBClient, with the commands of client-dynamodb"(where, version) {
    const sdk = awsSdk("client-dynamodb", version);
    const client = new sdk.DynamoDBClient(settingsOf(where));
    return { client, options: { commands: sdk }, destroy: () => client.destroy() };
  },
  "DynamoDBDocumentClient, with the commands of lib-dynamodb"(where, version) {
    const { client, destroy } = plain(where, version);
    const lib = awsSdk("lib-dynamodb", version);
    return { client: lib.DynamoDBDocumentClient.from(client), options: { commands: lib }, destroy };
  },
};

function plain(where: Service, version: string, settings: object = {}): ReturnType<Make> {
  const client = new (awsSdk("client-dynamodb", version).DynamoDB)({ ...settingsOf(where), ...settings });
  return { client, destroy: () => client.destroy() };
}

async function open(make: Make, where: Service, version: string): Promise<Opened> {
  const table = `matrix_${randomBytes(6).toString("hex")}`;
  const administrator = plain(where, AWS_SDK);
  await dynamodbStorage(administrator.client as DynamodbClient, { table }).ensureSchema();
  administrator.destroy();
  const { client, options, destroy } = make(where, version);
  return { storage: dynamodbStorage(client, { table, ...options }), close: destroy };
}

const isKnownTo =
  (version: string) =>
  ([configuration]: [string, Make]): boolean =>
    version !== VERSIONS[0] || !configuration.includes("one socket");

const PART = "DynamoDBClient, with the commands of client-dynamodb";

export const DYNAMODB_ROWS: readonly MatrixRow[] = VERSIONS.flatMap((version) =>
  Object.entries(KINDS)
    .filter(isKnownTo(version))
    .map(
      ([configuration, make]): MatrixRow => ({
        driver: "dynamodb",
        client: `@aws-sdk/${configuration.includes("Document") ? "lib-dynamodb" : "client-dynamodb"} ${version}`,
        configuration,
        server: "dynamodb",
        isPart: configuration === PART && version === AWS_SDK,
        open: (where) => open(make, where, version),
      }),
    ),
);
