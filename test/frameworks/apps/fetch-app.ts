/** The application of the adapter suite as a fetch function and on Hono. Imports nothing that only Node has. */
import { session as honoSession } from "holdfast/hono";
import type { Session } from "holdfast";
import { story, storyOptions, type StoryData } from "../story.js";

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
export async function handle(request: Request, session: () => Session<StoryData>): Promise<Response> {
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

export const answering = (error: { status?: number }): Response =>
  new Response("failed", { status: error.status ?? 500 });

/**
 * Hono, with its own redirect and its own error path.
 *
 * @param Hono - the class of any version
 * @param options - of the session
 * @param more - adds further routes
 */
export function honoApp(Hono: new () => any, options: object = {}, more: (app: any) => void = () => {}): any {
  const sessions = honoSession<StoryData>({ ...storyOptions((c) => c.req.path), ...options });
  const app = new Hono();
  app.use("*", sessions);
  more(app);
  app.post("/login", async (c: any) => {
    await story.login(c.get("session"), await c.req.parseBody());
    return c.redirect("/account");
  });
  app.all("*", (c: any) => handle(c.req.raw, () => c.get("session")));
  app.onError((error: { status?: number }) => answering(error));
  return app;
}
