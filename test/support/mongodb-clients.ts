import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";
import { MongoClient, type Collection, type MongoClientOptions } from "mongodb";
import type { Service } from "./services.js";

interface Npm {
  fromNpm(packages: Readonly<Record<string, string>>): string;
}

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;
const OLDER = { mongodb5: "npm:mongodb@5.9.2", mongodb6: "npm:mongodb@6.22.0", mongoose: "9.12.1" };
/** The versions that these are. */
export const MONGODB_VERSIONS: Readonly<Record<keyof typeof OLDER, string>> = {
  mongodb5: "5.9.2",
  mongodb6: "6.22.0",
  mongoose: OLDER.mongoose,
};

/** An older client, or Mongoose; without types, as it may be any version. */
export function otherMongodb(name: keyof typeof OLDER): any {
  return createRequire(join(fromNpm(OLDER), "_.js"))(name);
}

/** Client-wide settings, by their names: whatever an application uses for documents of its own. */
export const MONGODB_SETTINGS: Readonly<Record<string, MongoClientOptions>> = {
  "as it comes": {},
  "unacknowledged writes": { writeConcern: { w: 0 } },
  "reads from secondaries": { readPreference: "secondaryPreferred" },
  "no promoted values": { promoteValues: false },
  "no promoted longs": { promoteLongs: false },
  "bigints for longs": { useBigInt64: true },
  "raw documents": { raw: true },
  "undefined ignored, no retries": { ignoreUndefined: true, retryWrites: false, retryReads: false },
};

/** A client, and a collection that goes with it. */
export interface ConnectedMongodb {
  readonly client: MongoClient;
  readonly collection: Collection;
  close(): Promise<void>;
}

/** Connects a client that is configured so, to a collection of its own. */
export async function connectMongodb(
  { url }: Pick<Service, "url">,
  options: MongoClientOptions = {},
  name: string = `t_${randomBytes(6).toString("hex")}`,
): Promise<ConnectedMongodb> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 2000, ...options });
  const collection = client.db().collection(name);
  const drop = async (): Promise<unknown> =>
    client
      .db()
      .dropCollection(name)
      .catch(() => {});
  return {
    client,
    collection,
    async close() {
      if (name.startsWith("t_")) await drop();
      await client.close();
    },
  };
}
