/** What speaks MongoDB's protocol: `mongodb` since 2023, and Mongoose. */
import { randomBytes } from "node:crypto";
import * as mongodb from "mongodb";
import { mongodbStorage } from "holdfast/storage/mongodb";
import { MONGODB_VERSIONS, otherMongodb } from "../../support/mongodb-clients.js";
import type { Service } from "../../support/services.js";
import { ignore, type MatrixRow, type Opened } from "./row.js";
import { versionOf } from "./servers.js";

interface Setting {
  /** Of the client. */
  readonly options?: object;
  /** Of the collection, or of the database that it is asked from. */
  readonly collection?: object;
  readonly database?: object;
  readonly only?: RegExp;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  "as it comes": {},
  "a pool of one": { options: { maxPoolSize: 1 } },
  "a pool that opens connections early": { options: { minPoolSize: 2, maxConnecting: 1, maxIdleTimeMS: 50 } },
  "connected directly, named": { options: { directConnection: true, appName: "shop" } },
  "unacknowledged writes": { options: { writeConcern: { w: 0 } } },
  "a journal and a time for writes": { options: { writeConcern: { w: 1, j: true, wtimeoutMS: 5000 } } },
  "reads from secondaries": { options: { readPreference: "secondaryPreferred" } },
  "reads from the nearest": { options: { readPreference: "nearest", localThresholdMS: 100 } },
  "read concern local": { options: { readConcern: { level: "local" } } },
  "read concern majority": { options: { readConcern: { level: "majority" } } },
  "no retries": { options: { retryWrites: false, retryReads: false } },
  "no promoted values": { options: { promoteValues: false } },
  "no promoted longs": { options: { promoteLongs: false } },
  "buffers promoted": { options: { promoteBuffers: true } },
  "bigints for longs": { options: { useBigInt64: true } },
  // mongodb 5 reads its own handshake raw then, and does not connect.
  "raw documents": { options: { raw: true }, only: /^mongodb [67]/ },
  "fields as raw": { options: { fieldsAsRaw: { value: true } } },
  "functions serialized, undefined ignored": { options: { serializeFunctions: true, ignoreUndefined: true } },
  "keys are checked": { options: { checkKeys: true } },
  "texts are not checked for UTF-8": { options: { enableUtf8Validation: false } },
  "regular expressions of BSON": { options: { bsonRegExp: true } },
  "ids by the server": { options: { forceServerObjectId: true } },
  "ids of its own making": { options: { pkFactory: { createPk: () => "its own" } } },
  "commands are monitored": { options: { monitorCommands: true } },
  "compressed by zlib": { options: { compressors: ["zlib"] } },
  "timeouts of sockets": { options: { socketTimeoutMS: 5000, connectTimeoutMS: 5000 } },
  "a timeout for each operation": { options: { timeoutMS: 10_000 }, only: /^mongodb [67]/ },
  "settings of the collection": {
    collection: { readPreference: "secondary", writeConcern: { w: 0 }, promoteValues: false, raw: true },
  },
  "settings of the database": { database: { readConcern: { level: "local" }, writeConcern: { w: 0 } } },
};

const CLIENTS: Readonly<Record<string, () => typeof mongodb>> = {
  [`mongodb ${MONGODB_VERSIONS.mongodb5}`]: () => otherMongodb("mongodb5"),
  [`mongodb ${MONGODB_VERSIONS.mongodb6}`]: () => otherMongodb("mongodb6"),
  [`mongodb ${versionOf("mongodb")}`]: () => mongodb,
};

/** A collection of its own for each row: this server reads all of it for whatever is not asked for by its key. */
function fresh(): string {
  return `matrix_${randomBytes(6).toString("hex")}`;
}

async function ended(client: mongodb.MongoClient, name: string): Promise<void> {
  await client.db().dropCollection(name).catch(ignore);
  await client.close();
}

/** The configuration with which each version is asked everything. */
const WHOLE = "as it comes";

async function open(
  { MongoClient }: typeof mongodb,
  { url }: Service,
  { options, collection, database }: Setting,
): Promise<Opened> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 2000, ...options });
  const name = fresh();
  const storage = mongodbStorage(client.db(undefined, database).collection(name, collection));
  await storage.ensureSchema();
  return { storage, close: () => ended(client, name) };
}

const ofMongodb = Object.entries(CLIENTS).flatMap(([client, load]) =>
  Object.entries(SETTINGS)
    .filter(([, { only }]) => only === undefined || only.test(client))
    .map(
      ([configuration, setting]): MatrixRow => ({
        driver: "mongodb",
        client,
        configuration,
        server: "mongodb",
        isPart: configuration === "settings of the collection",
        isSlow: configuration !== WHOLE,
        open: async (where) => open(load(), where, setting),
      }),
    ),
);

const MONGOOSE_SETTINGS: Readonly<Record<string, object>> = {
  "connection.collection(name)": {},
  "connection.collection(name), commands are not buffered": { bufferCommands: false },
  "connection.collection(name), no index by itself, strict": {
    autoIndex: false,
    autoCreate: false,
    sanitizeFilter: true,
  },
};

const ofMongoose = Object.entries(MONGOOSE_SETTINGS).map(
  ([configuration, options]): MatrixRow => ({
    driver: "mongodb",
    client: `mongoose ${MONGODB_VERSIONS.mongoose}`,
    configuration,
    server: "mongodb",
    isSlow: true,
    async open({ url }) {
      const connection = await otherMongodb("mongoose").createConnection(url, options).asPromise();
      const storage = mongodbStorage(connection.collection(fresh()));
      await storage.ensureSchema();
      return { storage, close: () => connection.close() };
    },
  }),
);

export const MONGODB_ROWS: readonly MatrixRow[] = [...ofMongodb, ...ofMongoose];
