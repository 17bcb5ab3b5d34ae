import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { listen } from "./serving.mjs";

export const packages = ["hono", "@hono/node-server"];
export const cookieOf = (c) => c.req.header("Cookie");
export const setCookie = (c, _, line) => c.header("Set-Cookie", line, { append: true });

/** `mount` registers what it needs. */
export function serve({ mount, actions }) {
  const app = new Hono();
  mount?.(app);
  const handle = (action) => (c) => {
    const result = action(c);
    return typeof result?.then === "function" ? result.then((body) => c.json(body)) : c.json(result);
  };
  for (const name of ["read", "plain"]) app.get(`/${name}`, handle(actions[name]));
  for (const name of ["write", "login", "seed"]) app.post(`/${name}`, handle(actions[name]));
  return listen(createAdaptorServer({ fetch: app.fetch }));
}
