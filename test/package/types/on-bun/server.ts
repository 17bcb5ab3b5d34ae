import { redis, RedisClient, SQL, sql, type BunRequest, type Server } from "bun";
import { session } from "holdfast/fetch";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";

interface Data {
  visits: number;
}

const sessions = session<Data>();

/** A route's parameters keep their names. */
const user = sessions((request: BunRequest<"/u/:id">) => {
  sessions.get(request).update("visits", (visits = 0) => visits + 1);
  // @ts-expect-error the route has no such parameter
  void request.params.name;
  return new Response(request.params.id);
});

/** After an upgrade there is nothing to return. */
const upgrading = sessions((request: Request, server: Server<undefined>) => {
  if (server.upgrade(request)) return undefined;
  return new Response("no upgrade", { status: 400 });
});

/** The same with nothing written after `return`, or at the end. */
const silent = sessions(async (request: Request, server: Server<undefined>) => {
  if (server.upgrade(request)) return;
  return new Response("no upgrade", { status: 400 });
});

Bun.serve({ routes: { "/u/:id": user }, fetch: upgrading, websocket: { message() {} } });
Bun.serve({ fetch: silent, websocket: { message() {} } });
Bun.serve({ fetch: sessions(() => new Response("plain")) });

/** Its own clients are handed in as they are. */
for (const client of [redis, new RedisClient("redis://localhost")]) redisStorage(client);
for (const client of [sql, new SQL("postgres://localhost/app")]) postgresStorage(client);
mysqlStorage(new SQL("mysql://localhost/app"));
// @ts-expect-error a client of Redis has no SQL
postgresStorage(redis);
