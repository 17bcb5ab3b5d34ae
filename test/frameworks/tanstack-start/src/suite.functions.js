import { notFound, redirect } from "@tanstack/react-router";
import { createMiddleware, createServerFn } from "@tanstack/react-start";
import { setCookie, setResponseHeader, setResponseHeaders } from "@tanstack/react-start/server";
import { elsewhere } from "./suite.server";

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const increased = (session) => session.update("n", (n = 0) => n + 1);

export const increment = createServerFn({ method: "POST" }).handler(({ context: { session } }) => {
  increased(session);
  return session.get("n");
});

export const read = createServerFn().handler(({ context: { session } }) => session.toJSON());

export const readOrSay = createServerFn().handler(({ context: { session } }) => {
  try {
    return String(session.owner);
  } catch (error) {
    return error.message;
  }
});

export const owner = createServerFn().handler(({ context: { session } }) => {
  if (session.owner === undefined) throw redirect({ to: "/suite/untouched" });
  return session.owner;
});

export const login = createServerFn({ method: "POST" }).handler(async ({ context: { session } }) => {
  await session.authenticate("ann");
  throw redirect({ to: "/suite/account" });
});

export const missing = createServerFn({ method: "POST" }).handler(({ context: { session } }) => {
  session.set("missing", "yes");
  throw notFound();
});

export const failing = createServerFn({ method: "POST" }).handler(({ context: { session } }) => {
  session.set("failed", "yes");
  throw new Error("the server function of the suite");
});

export const leaking = createServerFn({ method: "POST" }).handler(({ context: { session } }) => {
  increased(session);
  return session;
});

/** Changes the session when the page has begun. */
export const late = createServerFn().handler(async ({ context: { session } }) => {
  await wait(300);
  increased(session);
  return `late ${session.get("n")}`;
});

export const helpers = createServerFn({ method: "POST" }).handler(({ context: { session } }) => {
  setCookie("own", "1");
  setCookie("other", "2");
  setResponseHeader("Cache-Control", "public, max-age=60");
  increased(session);
  return "set";
});

/** A header of cookies that replaces all others, before a redirect. */
export const replacing = createServerFn({ method: "POST" }).handler(({ context: { session } }) => {
  setResponseHeaders(new Headers({ "Set-Cookie": "own=1", "Cache-Control": "public, max-age=60", "X-Own": "1" }));
  increased(session);
  throw redirect({ to: "/suite/untouched" });
});

const misplaced = createMiddleware({ type: "function" }).server(({ next }) =>
  elsewhere.run(new Request("http://localhost/"), (session) => next({ context: { session } })),
);

export const inFunction = createServerFn({ method: "POST" })
  .middleware([misplaced])
  .handler(() => "reached");
