import { serve } from "@hono/node-server";
import { session } from "holdfast/fetch";
import { announce, port } from "../listening.js";

interface Data {
  visits: number;
}

const sessions = session<Data>();
const fetch = sessions((request) => {
  const visitor = sessions.get(request);
  visitor.update("visits", (visits = 0) => visits + 1);
  return Response.json({ visits: visitor.get("visits") });
});

// Bun, Deno and Workers take `export default { fetch }`; here Node serves it.
const server = serve({ fetch, port }, () => announce(server));
