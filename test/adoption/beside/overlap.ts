import type { Client } from "../client.js";
import { type Handler, type Program } from "../program.js";

/** Two requests with one cookie at the same time. Both programs answer; what is kept differs, and is meant to. */

const ROUTES: Readonly<Record<string, Handler>> = {
  "/a": async (req, res, _next, { gate }) => {
    req.session.a = 1;
    await gate("a");
    res.end("a");
  },
  "/b": async (req, res, _next, { gate }) => {
    req.session.b = 2;
    await gate("b");
    res.end("b");
  },
  "/slow-read": async (req, res, _next, { gate }) => {
    const n: unknown = req.session.n;
    await gate("a");
    res.end(`read ${n}`);
  },
  "/slow-count": async (req, res, _next, { gate }) => {
    req.session.n += 1;
    await gate("a");
    res.end("counted");
  },
  "/logout": (req, res) => req.session.destroy(() => res.end("out")),
  "/login": (req, res) =>
    req.session.regenerate(() => {
      req.session.user = "tobi";
      res.end("in");
    }),
  "/slow-login": async (req, res, _next, { gate }) => {
    await gate("a");
    req.session.regenerate(() => {
      req.session.user = "tobi";
      res.end("in");
    });
  },
};

function overlapping(name: string, visit: (client: Client) => Promise<void>, options: object = {}): Program {
  return {
    name: `at the same time: ${name}`,
    routes: ROUTES,
    options: { ...options },
    visit: async (client) => {
      await client.get("/count");
      await visit(client);
      await client.get("/data");
    },
  };
}

/** `slow` begins first and ends last. */
function around(slow: string, fast: string): (client: Client) => Promise<void> {
  return async (client) => {
    const first = await client.start(slow);
    await client.rest();
    await client.get(fast);
    client.open("a");
    await first();
  };
}

/** The programs of this file. */
export const OVERLAP: readonly Program[] = [
  overlapping("two requests write two keys", async (client) => {
    const [a, b] = [await client.start("/a"), await client.start("/b")];
    await client.rest();
    client.open("a");
    await a();
    client.open("b");
    await b();
  }),
  overlapping("a reader that ends last", around("/slow-read", "/count")),
  overlapping("a reader that ends last, resave", around("/slow-read", "/count"), { resave: true }),
  overlapping("a reader that ends last, rolling", around("/slow-read", "/count"), {
    rolling: true,
    cookie: { maxAge: 600_000 },
  }),
  overlapping("a writer that ends after a logout", around("/slow-count", "/logout")),
  overlapping("a reader that ends after a logout", around("/slow-read", "/logout")),
  overlapping("a reader that ends after a logout, resave", around("/slow-read", "/logout"), { resave: true }),
  overlapping("a writer that ends after a login", around("/slow-count", "/login")),
  overlapping("a reader that ends after a login, rolling", around("/slow-read", "/login"), {
    rolling: true,
    cookie: { maxAge: 600_000 },
  }),
  overlapping("a login that ends after a logout", around("/slow-login", "/logout")),
  overlapping("two logins", around("/slow-login", "/login")),
  overlapping("two increments", around("/slow-count", "/count")),
];
