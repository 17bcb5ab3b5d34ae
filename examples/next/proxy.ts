// Next 15: name this file middleware.ts, write `export { proxy as middleware }`, and add `runtime: "nodejs"` to config.
export { proxy } from "./lib/session";

export const config = { matcher: "/((?!_next/static|_next/image|favicon.ico).*)" };
