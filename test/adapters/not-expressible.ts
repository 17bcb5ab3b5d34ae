import type { AdapterName } from "../support/apps.js";

const http1Only = "Express replaces the prototypes of request and response by those of HTTP/1";
const noConnection = "a fetch handler sees no connection";
const noParser = "parses no bodies";

/** What a framework cannot express, by case, with the reason. The only place for that. */
export const NOT_EXPRESSIBLE: Readonly<Record<string, Partial<Record<AdapterName, string>>>> = {
  "HTTP/2: plain, HEAD and streamed answers, the session's cookie and the handler's": {
    express: http1Only,
    express4: http1Only,
    fetch: "the runtime's matter: a fetch handler sees no connection",
  },
  "crossOriginProtection: an error page of the application's own answers it": {
    node: "has no error path: what is refused never comes to the handler",
    fetch: "has no error path: what is refused never comes to the handler",
  },
  "crossOriginProtection: the host of HTTP/2 is `:authority`": {
    express: http1Only,
    express4: http1Only,
    fetch: "the runtime's matter: a fetch handler sees no connection",
  },
  "headersSent is what it is without a session, while the save is pending and afterwards": { fetch: noConnection },
  "what writes a log when the answer is out reads the session: nothing is thrown, whether the storage is up, down or was not asked":
    { fetch: noConnection },
  "what writes a log when the client is gone before the session is loaded reads it: nothing is thrown": {
    fetch: noConnection,
  },
  "assigning to the session throws and says what to write": {
    fetch: "a Request has no place for a session",
    hono: "c.set() is Hono's own and takes any value",
  },
  "form: what the framework already parsed": { node: noParser, fetch: noParser },
};
