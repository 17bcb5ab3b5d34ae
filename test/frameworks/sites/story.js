/** The routes of the adapter suite that need no page, for the sites of this folder: copied into each. */
import { adapterStorage } from "holdfast/testing";

/** The options of the session in each site. */
export const options = (urlOf) => ({
  storage: adapterStorage(),
  skip: (...context) => new URL(urlOf(...context)).pathname === "/storage",
});

/** Answers a request by its path, below that of the suite. */
export async function respond(request, session, base = "") {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname.slice(base.length)) {
    case "/storage":
      return new Response(adapterStorage().command(searchParams.get("do")));
    case "/untouched":
      return new Response("untouched");
    case "/data":
      return Response.json({ owner: session().owner ?? null, data: session().toJSON() });
    case "/set": {
      const fields = await request.formData();
      session().set(String(fields.get("key")), fields.get("value"));
      return new Response("set");
    }
    case "/increment":
      session().update("n", (n = 0) => n + 1);
      return new Response(String(session().get("n")));
    case "/slow":
      await new Promise((resolve) => setTimeout(resolve, 300));
      session().set("late", "yes");
      return new Response("slow");
    case "/stream":
      session().set("streamed", "yes");
      return new Response(lines());
    default:
      return new Response("not found", { status: 404 });
  }
}

function lines() {
  const waiting = ["one\n", "two\n", "three\n"];
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const line = waiting.shift();
      if (line === undefined) return controller.close();
      controller.enqueue(encoder.encode(line));
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  });
}

/** Fails, after a change. */
export function fail(session) {
  session.set("thrown", "yes");
  throw new Error("the handler of the suite");
}
