import { Hono } from "hono";
import { session } from "holdfast/fetch";
import { session as honoSession, type SessionEnv } from "holdfast/hono";
import { d1Storage, durableStorage, type D1Client, type DurableNamespace } from "holdfast/storage/cloudflare";
import { dynamodbStorage, type DynamodbClient } from "holdfast/storage/dynamodb";
import { memoryStorage } from "holdfast/storage/memory";
import { mongodbStorage, type MongodbCollection } from "holdfast/storage/mongodb";
import { upstashStorage, type UpstashClient } from "holdfast/storage/upstash";

interface Data {
  visits: number;
}

interface Env {
  readonly name: string;
}

const sessions = session<Data>({
  storage: (_request, env: Env) => (env.name === "" ? memoryStorage() : memoryStorage()),
});

export default {
  fetch: sessions((request, _env: Env) => {
    sessions.get(request).update("visits", (n = 0) => n + 1);
    return Response.json(sessions.get(request));
  }),
};

/** Storages over HTTP, or over the sockets of a Worker, by the bindings of a request. */
export const bound = session<Data>({
  storage: (_request, env: { redis?: UpstashClient; table?: DynamodbClient; collection: MongodbCollection }) => {
    if (env.redis) return upstashStorage(env.redis);
    return env.table ? dynamodbStorage(env.table, { table: "sessions" }) : mongodbStorage(env.collection);
  },
});

/** Bindings of Cloudflare, without its types. */
export const ofCloudflare = session<Data>({
  storage: (_request, env: { database?: D1Client; objects: DurableNamespace }) =>
    env.database ? d1Storage(env.database) : durableStorage(env.objects),
});

export const app = new Hono<SessionEnv<Data>>().use(honoSession<Data>());
app.get("/", (c) => c.json(c.get("session").get("visits") ?? 0));
