import type { AdapterName } from "../support/apps.js";

const http1Only = "Express replaces the prototypes of request and response by those of HTTP/1";
const noConnection = "a fetch handler sees no connection";
const noParser = "parses no bodies";

/** What a framework cannot express, by case, with the reason. The only place for that. */
export const NOT_EXPRESSIBLE: Readonly<Record<string, Partial<Record<AdapterName, string>>>> = {
  "HTTP/2: plain, HEAD and streamed responses, with the cookies of the session and the handler": {
    express: http1Only,
    express4: http1Only,
    fetch: "the runtime's matter: a fetch handler sees no connection",
  },
  "crossOriginProtection: the application's error page responds": {
    node: "has no error path: what is refused never comes to the handler",
    fetch: "has no error path: what is refused never comes to the handler",
  },
  "crossOriginProtection: the host of HTTP/2 is `:authority`": {
    express: http1Only,
    express4: http1Only,
    fetch: "the runtime's matter: a fetch handler sees no connection",
  },
  "headersSent is what it is without a session, while the save is pending and afterwards": { fetch: noConnection },
  "a logger that reads the session after the response: no exception, with the storage up, down or not called": {
    fetch: noConnection,
  },
  "a logger that reads the session after the client disconnected before it was loaded: no exception": {
    fetch: noConnection,
  },
  "assigning to the session throws and says what to write": {
    fetch: "a Request has no place for a session",
    hono: "c.set() is Hono's own and takes any value",
  },
  "form: what the framework already parsed": { node: noParser, fetch: noParser },
};
