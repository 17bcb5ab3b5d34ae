import { createMiddleware, createStart } from "@tanstack/react-start";
import { crossOriginProtection } from "holdfast/tanstack-start";
import { sessions } from "./sessions.server";

/** What is inside server() is not part of the browser's bundle: neither the sessions nor their storage. */
const withSession = createMiddleware().server(({ request, next }) =>
  sessions.run(request, (session) => next({ context: { session } })),
);

export const startInstance = createStart(() => ({ requestMiddleware: [crossOriginProtection(), withSession] }));
