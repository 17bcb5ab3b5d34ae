import { session } from "holdfast/fastify-plain";
import { Readable } from "node:stream";
import type { Framework } from "../framework.js";
import { ownVersion, packageIn } from "../packages.js";
import { story, storyOptions, type StoryData } from "../story.js";

/**
 * The application of the suite.
 *
 * @param options - of its session
 * @param more - adds further routes
 */
export async function fastifyApp(
  version: string,
  options: object = {},
  more: (app: any) => void = () => {},
): Promise<any> {
  const [{ default: make }, { default: formbody }] = await Promise.all([
    packageIn("fastify", version),
    import("@fastify/formbody"),
  ]);
  const app = make({ forceCloseConnections: true });
  const own = (request: any): any => request.session;
  app.register(formbody);
  app.register(session<StoryData>({ ...storyOptions((request) => request.url), ...options }));
  app.after(() => more(app));
  app.get("/untouched", async () => "untouched");
  app.get("/storage", async (request: any) => story.storage(request.query.do));
  app.get("/data", async (request: any) => story.data(own(request)));
  app.post("/set", async (request: any) => story.set(own(request), request.body));
  app.post("/increment", async (request: any) => story.increment(own(request)));
  app.post("/login", async (request: any, reply: any) => {
    await story.login(own(request), request.body);
    return reply.redirect("/account");
  });
  app.post("/logout", async (request: any, reply: any) => {
    await story.logout(own(request));
    return reply.redirect("/untouched");
  });
  app.get("/account", async (request: any, reply: any) => {
    return story.account(own(request)) ?? reply.redirect("/untouched");
  });
  app.get("/throw", async (request: any) => story.throw(own(request)));
  app.get("/slow", async (request: any) => story.slow(own(request)));
  app.get("/stream", async (request: any, reply: any) => reply.send(Readable.from(story.stream(own(request)))));
  return app;
}

/** Fastify, with its own redirect and its own error path. */
export const fastify: Framework = {
  name: "fastify",
  versions: [ownVersion("fastify"), "5.0.0"],
  async start(version) {
    const app = await fastifyApp(version);
    const origin = await app.listen({ port: 0, host: "127.0.0.1" });
    return { origin, close: () => app.close() };
  },
};
