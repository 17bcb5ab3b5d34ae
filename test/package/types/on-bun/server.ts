import type { BunRequest, Server } from "bun";
import { session } from "holdfast/fetch";

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
