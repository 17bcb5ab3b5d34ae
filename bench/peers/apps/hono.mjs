import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { listening } from "./listening.mjs";

/** An application on Hono. */
export function honoApp({ mount, verbs }, gates) {
  const app = new Hono();
  app.get("/ping", (c) => c.body(null, 204));
  mount(app);
  app.post("/:verb", async (c) => {
    const { key, value, gate } = c.req.query();
    return c.json((await verbs[c.req.param("verb")](c, { key, value, parked: () => gates.pass(gate) })) ?? {});
  });
  return listening(createAdaptorServer({ fetch: app.fetch }));
}
