/** For projects with the types of another session library: nothing is said of `request.session`. */
import Fastify from "fastify";
import { session } from "holdfast/fastify-plain";
import { announce, port } from "../listening.js";

interface Data {
  visits: number;
}

const app = Fastify();
const sessions = session<Data>();
await app.register(sessions);
app.get("/", (request) => {
  const own = sessions.get(request);
  own.update("visits", (visits = 0) => visits + 1);
  return { visits: own.get("visits") };
});

await app.listen({ port });
announce(app.server);
