import { fromCookie } from "holdfast";
import { session } from "holdfast/nuxt";
import { adapterStorage } from "holdfast/testing";
import own from "../session.example";

/** A storage that responds later, as databases do. */
const later = (storage) =>
  Object.fromEntries(
    ["get", "create", "update", "touch", "delete"].map((name) => [
      name,
      async (...args) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        return storage[name](...args);
      },
    ]),
  );

const suite = session({
  storage: later(adapterStorage()),
  extractor: fromCookie("suite_id"),
  skip: ({ path }) => path.startsWith("/suite/storage"),
}).payload((session) => ({ owner: session.owner, n: session.get("n") }));

/** Pages read one session, and a request inside the server belongs to the page that makes it. */
const isOfSuite = ({ path, headers }) =>
  path.startsWith("/suite") ||
  (/^\/(__nuxt_error|_session)/.test(path) && headers.get("cookie")?.includes("suite_id"));

export default defineEventHandler((event) => (isOfSuite(event) ? suite(event) : own(event)));
