import { createAdaptorServer } from "@hono/node-server";
import { actionOf, listen } from "./serving.mjs";

export const packages = ["@hono/node-server"];
export const cookieOf = (request) => request.headers.get("Cookie") ?? undefined;
export const setCookie = (_request, answer, line) => (answer.headers ??= new Headers()).append("Set-Cookie", line);

/**
 * `mount` makes a fetch function of a fetch function. An action is given the request, and an object for the headers
 * of its answer.
 */
export function serve({ mount = (fetch) => fetch, actions }) {
  const fetch = mount((request) => {
    const answer = { headers: undefined };
    const result = actions[actionOf(pathOf(request.url))](request, answer);
    return typeof result?.then === "function"
      ? result.then((body) => Response.json(body, answer))
      : Response.json(result, answer);
  });
  return listen(createAdaptorServer({ fetch }));
}

function pathOf(url) {
  return url.slice(url.indexOf("/", "https://".length));
}
