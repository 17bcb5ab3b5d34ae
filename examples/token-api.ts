/** An API whose clients store their session's token themselves: it is sent in a header. */
import Fastify from "fastify";
import { fromHeader } from "holdfast";
import { session } from "holdfast/fastify";
import { announce, port } from "./listening.js";

declare module "holdfast" {
  interface SessionData {
    calls: number;
    lastCall: Date;
  }
}

const app = Fastify();
await app.register(session({ extractor: fromHeader("X-Session-Token"), idleTimeout: "1h" }));

app.post("/api/data", (request) => {
  const before = request.session.get("lastCall");
  request.session.update("calls", (calls = 0) => calls + 1);
  request.session.set("lastCall", new Date());
  return { calls: request.session.get("calls"), lastCall: request.session.get("lastCall"), before: before ?? null };
});

await app.listen({ port });
announce(app.server);
