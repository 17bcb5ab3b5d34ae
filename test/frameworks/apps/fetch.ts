import { serve } from "@hono/node-server";
import { session as fetchSession } from "holdfast/fetch";
import { once } from "node:events";
import type { Server } from "node:http";
import type { Framework, RunningApp } from "../framework.js";
import { ownVersion, packageIn } from "../packages.js";
import { storyOptions, type StoryData } from "../story.js";
import { answering, handle, honoApp } from "./fetch-app.js";
import { listen } from "./listen.js";

/** Serves a fetch function. */
export async function serveFetch(handler: (request: Request) => Response | Promise<Response>): Promise<RunningApp> {
  const server = serve({ fetch: handler, port: 0, hostname: "127.0.0.1" }) as Server;
  if (!server.listening) await once(server, "listening");
  return listen(server);
}

/** A fetch function, served by `@hono/node-server`. */
export const fetch: Framework = {
  name: "fetch",
  versions: [`node-server ${ownVersion("@hono/node-server")}`],
  start: () => {
    const sessions = fetchSession<StoryData>(storyOptions((request: Request) => request.url));
    const handler = sessions((request: Request) => handle(request, () => sessions.get(request)));
    return serveFetch((request) => handler(request).catch(answering));
  },
};

/** Hono on Node. */
export const hono: Framework = {
  name: "hono",
  versions: [ownVersion("hono"), "4.0.0"],
  async start(version) {
    const { Hono } = await packageIn("hono", version);
    return serveFetch(honoApp(Hono).fetch);
  },
};
