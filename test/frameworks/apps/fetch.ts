import { serve } from "@hono/node-server";
import { session as fetchSession, type Session } from "holdfast/fetch";
import { session as honoSession } from "holdfast/hono";
import { once } from "node:events";
import type { Server } from "node:http";
import type { Framework, RunningApp } from "../framework.js";
import { ownVersion, packageIn } from "../packages.js";
import { story, storyOptions, type StoryData } from "../story.js";
import { listen } from "./listen.js";

/** Serves a fetch function. */
export async function serveFetch(handler: (request: Request) => Response | Promise<Response>): Promise<RunningApp> {
  const server = serve({ fetch: handler, port: 0, hostname: "127.0.0.1" }) as Server;
  if (!server.listening) await once(server, "listening");
  return listen(server);
}

/** The lines of the stream as a body. */
export function streamOf(session: Session<StoryData>): ReadableStream {
  const lines = story.stream(session);
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await lines.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
  });
}

const redirect = (to: string): Response => new Response(null, { status: 303, headers: { Location: to } });

const fieldsOf = async (request: Request): Promise<Record<string, unknown>> =>
  Object.fromEntries(await request.formData());

/** The routes, as a function from a request to a response. */
async function handle(request: Request, session: () => Session<StoryData>): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === "/storage") return new Response(story.storage(searchParams.get("do")));
  if (pathname === "/untouched") return new Response("untouched");
  if (pathname === "/data") return Response.json(story.data(session()));
  if (pathname === "/set") return new Response(story.set(session(), await fieldsOf(request)));
  if (pathname === "/increment") return new Response(story.increment(session()));
  if (pathname === "/throw") return story.throw(session());
  if (pathname === "/slow") return new Response(await story.slow(session()));
  if (pathname === "/stream") return new Response(streamOf(session()));
  if (pathname === "/login") {
    await story.login(session(), await fieldsOf(request));
    return redirect("/account");
  }
  if (pathname === "/logout") return story.logout(session()).then(() => redirect("/untouched"));
  const account = story.account(session());
  return account === undefined ? redirect("/untouched") : new Response(account);
}

const answering = (error: { status?: number }): Response => new Response("failed", { status: error.status ?? 500 });

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

/** Hono, with its own redirect and its own error path. */
export const hono: Framework = {
  name: "hono",
  versions: [ownVersion("hono"), "4.0.0"],
  async start(version) {
    const { Hono } = await packageIn("hono", version);
    const sessions = honoSession<StoryData>(storyOptions((c) => c.req.path));
    const app = new Hono();
    app.use("*", sessions);
    app.post("/login", async (c: any) => {
      await story.login(c.get("session"), await c.req.parseBody());
      return c.redirect("/account");
    });
    app.all("*", (c: any) => handle(c.req.raw, () => c.get("session")));
    app.onError((error: { status?: number }) => answering(error));
    return serveFetch(app.fetch);
  },
};
