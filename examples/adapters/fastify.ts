import Fastify from "fastify";
import { session } from "holdfast/fastify";
import { announce, port } from "../listening.js";

declare module "holdfast" {
  interface SessionData {
    visits: number;
  }
}

const app = Fastify();
await app.register(session());
app.get("/", (request) => {
  request.session.update("visits", (visits = 0) => visits + 1);
  return { visits: request.session.get("visits") };
});

await app.listen({ port });
announce(app.server);
