/** What workerd serves. `/kinds` says what it can answer. */
import { handler } from "./handler.js";
import { KINDS } from "./kinds.js";

export default {
  fetch: (request: Request): Response | Promise<Response> =>
    request.url.endsWith("/kinds") ? Response.json(Object.keys(KINDS)) : handler(request),
};
