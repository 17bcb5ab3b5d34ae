import { createFileRoute, redirect } from "@tanstack/react-router";
import { setCookie, setResponseHeader } from "@tanstack/react-start/server";
import { fail, respond } from "../../story";
import * as functions from "../../suite.functions";

const fieldOf = async (request, name) => String((await request.formData()).get(name));

/** Thrown for many requests. */
const SHARED = redirect({ to: "/suite/untouched" });

/** What the suite asks of a handler that returns responses; below, what only TanStack Start has. */
async function handle({ request, pathname, context: { session } }) {
  switch (pathname) {
    case "/suite/login":
      await session.authenticate(await fieldOf(request, "user"));
      throw redirect({ to: "/suite/account", statusCode: 303 });
    case "/suite/logout":
      await session.destroy();
      return redirect({ href: "/suite/untouched", statusCode: 303 });
    case "/suite/throw":
      return fail(session);
    case "/suite/urls":
      return Response.json(Object.fromEntries(Object.entries(functions).map(([name, { url }]) => [name, url])));
    case "/suite/helpers":
      setCookie("own", "1");
      setResponseHeader("Cache-Control", "public, max-age=60");
      session.set("helped", "yes");
      return new Response("helped", { headers: { "Set-Cookie": "third=3" } });
    case "/suite/replacing":
      setResponseHeader("Set-Cookie", "own=1");
      session.set("helped", "yes");
      return Response.redirect(new URL("/suite/untouched", request.url), 303);
    case "/suite/shared":
      if (request.url.endsWith("as=ann")) session.set("as", "ann");
      throw SHARED;
    default:
      return respond(request, () => session, "/suite");
  }
}

export const Route = createFileRoute("/suite/$")({ server: { handlers: { GET: handle, POST: handle } } });
