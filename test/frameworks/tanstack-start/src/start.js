import { createMiddleware, createStart } from "@tanstack/react-start";
import { crossOriginProtection } from "holdfast/tanstack-start";
import { sessions } from "./sessions.server";
import { suite } from "./suite.server";

/** The example's session; that of the suite for its routes, and for calls that say so. */
const withSession = createMiddleware().server(({ request, pathname, next }) => {
  const own = pathname.startsWith("/suite") || request.headers.get("x-suite") ? suite : sessions;
  return own.run(request, (session) => next({ context: { session } }));
});

export const startInstance = createStart(() => ({ requestMiddleware: [crossOriginProtection(), withSession] }));
