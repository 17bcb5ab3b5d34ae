import { createServer } from "node:http";
import { H3, toNodeHandler } from "h3";
import { listen } from "./serving.mjs";

export const packages = ["h3"];
export const cookieOf = (event) => event.req.headers.get("Cookie") ?? undefined;
export const setCookie = (event, _, line) => event.res.headers.append("Set-Cookie", line);

/** `mount` makes a fetch function of the application's. */
export function serve({ mount, actions }) {
  const app = new H3();
  const handle = (action) => (event) => action(event);
  for (const name of ["read", "plain"]) app.get(`/${name}`, handle(actions[name]));
  for (const name of ["write", "login", "seed"]) app.post(`/${name}`, handle(actions[name]));
  const served = mount ? { fetch: mount((request) => app.fetch(request)) } : app;
  return listen(createServer(toNodeHandler(served)));
}
