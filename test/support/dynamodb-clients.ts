import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { dynamodbStorage, type DynamodbClient } from "holdfast/storage/dynamodb";
import type { Service } from "./services.js";

interface Npm {
  fromNpm(packages: Readonly<Record<string, string>>): string;
}

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;

/** The version of the AWS SDK that the tests use, unless they say which. */
export const AWS_SDK = "3.1169.0";

type Package = "client-dynamodb" | "lib-dynamodb";

function required(version: string): NodeJS.Require {
  const directory = fromNpm({ "@aws-sdk/client-dynamodb": version, "@aws-sdk/lib-dynamodb": version });
  return createRequire(join(directory, "_.js"));
}

/** The packages of the SDK, which are large: installed when they are asked for, and without types. */
export function awsSdk(name: Package, version: string = AWS_SDK): any {
  return required(version)(`@aws-sdk/${name}`);
}

/** The file of one of them. */
export function awsSdkPath(name: Package): string {
  return required(AWS_SDK).resolve(`@aws-sdk/${name}`);
}

/** What a client is made with: no service looks at these credentials. */
export function settingsOf({ url }: Pick<Service, "url">): object {
  return { endpoint: url, region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } };
}

/** A client, and a table that is there. */
export interface ConnectedDynamodb {
  readonly client: any;
  readonly table: string;
  close(): void;
}

/** Connects a client of either kind, to a table of its own. */
export async function connectDynamodb(
  where: Pick<Service, "url">,
  kind: "DynamoDB" | "DynamoDBDocument" = "DynamoDB",
  table: string = `t_${randomBytes(6).toString("hex")}`,
  translate: object = {},
): Promise<ConnectedDynamodb> {
  const plain = new (awsSdk("client-dynamodb").DynamoDB)(settingsOf(where));
  await dynamodbStorage(plain as DynamodbClient, { table }).ensureSchema();
  const client = kind === "DynamoDB" ? plain : awsSdk("lib-dynamodb").DynamoDBDocument.from(plain, translate);
  return { client, table, close: () => plain.destroy() };
}
