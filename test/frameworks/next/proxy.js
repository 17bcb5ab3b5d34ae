import { sessions } from "./app/lib.js";
import { proxy as own } from "./lib/session";

const guard = sessions.proxy((session, request) =>
  session.owner === undefined ? Response.redirect(new URL("/suite/untouched", request.url)) : undefined,
);

export const proxy = (request) => {
  const { pathname } = request.nextUrl;
  if (pathname === "/suite/pages/guarded") return guard(request);
  return pathname.startsWith("/suite") ? sessions.proxy(request) : own(request);
};

export const config = { matcher: "/((?!_next/static|_next/image|favicon.ico|suite/pages/reads|suite/slow).*)" };
