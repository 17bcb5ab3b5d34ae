import type { Sent } from "../client.js";
import { START } from "../clock.js";
import { count, read, stable, type Handler, type Program } from "../program.js";

/** The cookie: its attributes by the options, and what a session changes of its own. */

const MINUTE = 60_000;
const HTTPS: Sent = { headers: { "x-forwarded-proto": "https" } };
const HTTP: Sent = { headers: { "x-forwarded-proto": "http" } };

function option(name: string, cookie: unknown, more: Partial<Program> & { sent?: Sent } = {}): Program {
  const { sent = {}, options, ...rest } = more;
  return {
    name: `cookie ${name}`,
    options: () => ({ cookie, ...(typeof options === "function" ? options() : options) }),
    visit: async (client) => {
      await client.get("/count", sent);
      client.advance(10_000);
      await client.get("/read", sent);
      await client.get("/count", sent);
    },
    ...rest,
  };
}

const attributes: readonly Program[] = [
  option("without options", undefined),
  option("as an empty object", {}),
  option("domain", { domain: "example.com" }),
  option("path /", { path: "/" }),
  option("path of the application", { path: "/count" }),
  option("path of another part", { path: "/admin" }),
  option("httpOnly: false", { httpOnly: false }),
  option("httpOnly: true", { httpOnly: true }),
  option("sameSite: true", { sameSite: true }),
  option("sameSite: false", { sameSite: false }),
  option("sameSite: lax", { sameSite: "lax" }),
  option("sameSite: strict", { sameSite: "strict" }),
  option("sameSite: none", { sameSite: "none" }),
  option(
    "sameSite: none, secure, by https",
    { sameSite: "none", secure: true },
    { sent: HTTPS, options: { proxy: true } },
  ),
  option("sameSite: something else", { sameSite: "sometimes" }),
  option("priority: low", { priority: "low" }),
  option("priority: medium", { priority: "medium" }),
  option("priority: high", { priority: "high" }),
  option("priority: something else", { priority: "highest" }),
  option("partitioned: true", { partitioned: true }),
  option(
    "partitioned: true, secure, by https",
    { partitioned: true, secure: true },
    { sent: HTTPS, options: { proxy: true } },
  ),
  option("partitioned: false", { partitioned: false }),
  option("maxAge: a minute", { maxAge: MINUTE }),
  option("maxAge: null", { maxAge: null }),
  option("maxAge: 0", { maxAge: 0 }),
  option("maxAge: -1", { maxAge: -1 }),
  option("maxAge: a fraction of a millisecond", { maxAge: 1500.7 }),
  option("maxAge: a thousand years", { maxAge: 1000 * 365 * 24 * 60 * MINUTE }),
  option("maxAge: Infinity", { maxAge: Infinity }),
  option("maxAge: NaN", { maxAge: NaN }),
  option("maxAge: a string", { maxAge: "60000" }, { isEndless: true }),
  option("maxAge: a Date", { maxAge: new Date(START + MINUTE) }),
  option("expires: a Date", { expires: new Date(START + MINUTE) }),
  option("expires: a Date of the past", { expires: new Date(START - MINUTE) }),
  option("expires: null", { expires: null }),
  option("expires: false", { expires: false }),
  option("expires: a string", { expires: new Date(START + MINUTE).toUTCString() }, { isEndless: true }),
  option("expires, then maxAge", { expires: new Date(START + 5 * MINUTE), maxAge: MINUTE }),
  option("maxAge, then expires", { maxAge: MINUTE, expires: new Date(START + 5 * MINUTE) }),
  option("an option of another name", { signed: true, overwrite: false, maxAge: MINUTE }),
  option("as a string", "secure", { isEndless: true }),
  option("every attribute", {
    domain: "example.com",
    path: "/",
    httpOnly: true,
    maxAge: MINUTE,
    sameSite: "strict",
    priority: "high",
  }),
];

const PROXY = [undefined, true, false];
const secure: readonly Program[] = [true, "auto"].flatMap((secure) =>
  PROXY.flatMap((proxy) =>
    [false, true].flatMap((trusts) =>
      [HTTP, HTTPS].map((sent) =>
        option(
          `secure: ${secure}, proxy: ${proxy}, trust proxy ${trusts}, by ${sent === HTTPS ? "https" : "http"}`,
          { secure, ...(secure === "auto" && { sameSite: "auto" }) },
          { sent, options: { ...(proxy !== undefined && { proxy }) }, set: { "trust proxy": trusts } },
        ),
      ),
    ),
  ),
);

const forwarded: readonly Program[] = ["https,http", "HTTPS", " https ", "http,https", "", "wss"].map((value) =>
  option(
    `secure: true, proxy: true, X-Forwarded-Proto: "${value}"`,
    { secure: true },
    { sent: { headers: { "x-forwarded-proto": value } }, options: { proxy: true } },
  ),
);

/** A handler that changes the cookie of its session. */
function changing(change: (cookie: any, req: any) => void): Handler {
  return (req, res, next) => {
    try {
      change(req.session.cookie, req);
    } catch (error) {
      return next(error);
    }
    res.end("changed");
  };
}

function own(
  name: string,
  change: (cookie: any, req: any) => void,
  options: object = { cookie: { maxAge: MINUTE } },
): Program {
  const handler = changing(change);
  return {
    name: `a session's own cookie: ${name}`,
    options: { ...options },
    routes: {
      "/change": handler,
      "/change-and-count": (req, res, next, kit) => {
        change(req.session.cookie, req);
        count(req, res, next, kit);
      },
    },
    visit: async (client) => {
      await client.get("/change-and-count");
      client.advance(5000);
      await client.get("/read");
      await client.get("/change");
      await client.get("/count");
      client.advance(5000);
      await client.get("/count");
    },
  };
}

const ofASession: readonly Program[] = [
  own("maxAge longer", (cookie) => (cookie.maxAge = 10 * MINUTE)),
  own("maxAge shorter", (cookie) => (cookie.maxAge = 30_000)),
  own("maxAge null", (cookie) => (cookie.maxAge = null)),
  own("maxAge undefined", (cookie) => (cookie.maxAge = undefined)),
  own("maxAge 0", (cookie) => (cookie.maxAge = 0)),
  own("maxAge a string", (cookie) => (cookie.maxAge = "60000")),
  own("maxAge on a browser session", (cookie) => (cookie.maxAge = MINUTE), {}),
  own("expires false", (cookie) => (cookie.expires = false)),
  own("expires null", (cookie) => (cookie.expires = null)),
  own("expires a Date", (cookie) => (cookie.expires = new Date(START + 20 * MINUTE))),
  own("expires a Date of the past", (cookie) => (cookie.expires = new Date(START - MINUTE))),
  own("expires an invalid Date", (cookie) => (cookie.expires = new Date("never"))),
  own("originalMaxAge", (cookie) => (cookie.originalMaxAge = 2 * MINUTE)),
  own("secure, by http", (cookie) => (cookie.secure = true)),
  own("httpOnly false", (cookie) => (cookie.httpOnly = false)),
  own("path", (cookie) => (cookie.path = "/part")),
  own("domain", (cookie) => (cookie.domain = "example.org")),
  own("sameSite", (cookie) => (cookie.sameSite = "strict")),
  own("priority", (cookie) => (cookie.priority = "low")),
  own("a property of another name", (cookie) => (cookie.mine = 1)),
  own("replaced by an object", (_cookie, req) => (req.session.cookie = { maxAge: 1000, path: "/" })),
  own("resetMaxAge after maxAge", (cookie, req) => {
    cookie.maxAge = 10 * MINUTE;
    req.session.resetMaxAge();
  }),
];

const reading: readonly Program[] = [
  {
    name: "a cookie's properties, read",
    options: { cookie: { maxAge: MINUTE, sameSite: "lax", priority: "high", domain: "example.com" } },
    routes: {
      "/properties": (req, res) => {
        const { cookie } = req.session;
        req.session.n = 1;
        res.end(
          JSON.stringify([
            cookie.maxAge,
            cookie.originalMaxAge,
            cookie.expires,
            cookie.path,
            cookie.domain,
            cookie.httpOnly,
            cookie.secure ?? null,
            cookie.sameSite,
            cookie.priority,
            cookie.expires instanceof Date,
          ]),
        );
      },
    },
    visit: async (client) => {
      await client.get("/properties");
      client.advance(30_000);
      await client.get("/properties");
    },
  },
  {
    name: "a cookie's data, serialize() and toJSON()",
    options: { cookie: { maxAge: MINUTE, sameSite: "lax" } },
    routes: {
      "/serialized": (req, res) => {
        const { cookie } = req.session;
        res.end(`${cookie.serialize("a", "b c")} ${JSON.stringify(Object.entries(cookie.data).toSorted())}
${JSON.stringify(Object.entries(cookie.toJSON()).toSorted())}`);
      },
    },
    visit: async (client) => {
      await client.get("/serialized");
    },
  },
  {
    name: "the age of a cookie that counts down, in a page",
    options: { cookie: { maxAge: MINUTE } },
    routes: {
      "/page": (req, res) => {
        req.session.views = (req.session.views ?? 0) + 1;
        res.setHeader("Content-Type", "text/html");
        res.write(`<p>views: ${req.session.views}</p>`);
        res.write(`<p>expires in: ${req.session.cookie.maxAge / 1000}s</p>`);
        res.end();
      },
    },
    visit: async (client) => {
      await client.get("/page");
      client.advance(20_000);
      await client.get("/page");
    },
  },
  {
    name: "cookie as a function of the request",
    options: {
      cookie: (req: any) => ({ path: "/", maxAge: req.url.includes("long") ? 10 * MINUTE : MINUTE, sameSite: "lax" }),
    },
    routes: { "/long": count, "/read": read },
    visit: async (client) => {
      await client.get("/long");
      await client.get("/count");
      await client.get("/read");
    },
  },
  {
    name: "cookie as a function, path by path",
    options: { cookie: (req: any) => ({ path: `/${req.url.split("/")[1]}` }) },
    routes: { "/a/count": count, "/b/count": count },
    visit: async (client) => {
      await client.get("/a/count");
      await client.get("/b/count");
      await client.get("/a/count");
    },
  },
  {
    name: "cookie as a function that throws",
    options: {
      cookie: () => {
        throw new Error("no cookie");
      },
    },
    visit: async (client) => {
      await client.get("/count");
    },
  },
  {
    name: "cookie as a function, secure: auto",
    options: { cookie: () => ({ secure: "auto", sameSite: "auto" }), proxy: true },
    visit: async (client) => {
      await client.get("/count", HTTPS);
      await client.get("/count", HTTP);
    },
  },
  {
    name: "mounted at a path: the cookie's path counts by the original URL",
    options: { cookie: { path: "/app" } },
    app: (app) => {
      app.all("/app/count", count);
      app.all("/app/read", read);
    },
    visit: async (client) => {
      await client.get("/app/count");
      await client.get("/app/read");
      await client.get("/read");
      await client.get("/application");
    },
  },
  {
    name: "an answer without a session for a path outside the cookie's",
    options: { cookie: { path: "/app" }, saveUninitialized: true },
    routes: { "/outside": (req, res) => res.end(String(req.session)) },
    visit: async (client) => {
      await client.get("/outside");
      await client.get("/outside?from=/app");
    },
  },
];

/** Reads the session from the store by hand, and puts what it gives onto the request again. */
const byHand: Handler = (req, res, next) => {
  req.sessionStore.get(req.sessionID, (error: unknown, found: any) => {
    if (error) return next(error);
    const { secure, sameSite, path } = found.cookie;
    req.sessionStore.createSession(req, found);
    req.session.n += 1;
    res.end(stable([secure, sameSite, path, req.session.cookie.secure, req.session.cookie.sameSite, req.session.n]));
  });
};

const BY_HAND: Readonly<Record<string, object>> = {
  "secure: auto": { secure: "auto", sameSite: "auto", maxAge: MINUTE },
  "as a function": () => ({ path: "/", sameSite: "strict", maxAge: MINUTE }),
  "as a function, by the request": (req: any) => ({ path: "/", sameSite: req.url === "/count" ? "lax" : "strict" }),
};

const ofTheStore: readonly Program[] = [
  ...Object.entries(BY_HAND).flatMap(([name, cookie]) =>
    [HTTP, HTTPS].map((sent) => ({
      name: `sessionStore.get, then createSession, cookie ${name}, by ${sent === HTTPS ? "https" : "http"}`,
      options: { cookie, proxy: true },
      routes: { "/by-hand": byHand },
      visit: async (client: Parameters<Program["visit"]>[0]) => {
        await client.get("/count", sent);
        await client.get("/by-hand", sent);
        await client.get("/read", sent);
      },
    })),
  ),
  {
    name: "sessions of http, later by https, cookie secure: auto",
    options: { cookie: { secure: "auto", sameSite: "auto" }, proxy: true },
    visit: async (client) => {
      await client.get("/count", HTTP);
      await client.get("/count", HTTPS);
      await client.get("/read", HTTPS);
    },
  },
  {
    name: "touch() by hand, a second after the last",
    options: { cookie: { maxAge: 600_000 } },
    routes: {
      "/touch": (req, res) => {
        req.session.touch();
        res.end("touched");
      },
      "/deadline": (req, res) => {
        req.sessionStore.get(req.sessionID, (_error: unknown, found: any) =>
          res.end(String(new Date(found.cookie.expires).valueOf())),
        );
      },
    },
    visit: async (client) => {
      await client.get("/count");
      client.advance(1000);
      await client.get("/touch");
      await client.get("/deadline");
    },
  },
  {
    name: "sessionStore.set of a cookie of its own",
    options: { cookie: { maxAge: MINUTE, domain: "example.com" } },
    routes: {
      "/own": (req, res, next) => {
        const cookie = {
          originalMaxAge: 5 * MINUTE,
          expires: new Date(START + 5 * MINUTE),
          sameSite: "strict",
          path: "/",
        };
        req.sessionStore.set("of-nobody", { cookie, n: 3 }, (error: unknown) =>
          error ? next(error) : res.end("set"),
        );
      },
      "/get": (req, res) => {
        req.sessionStore.get("of-nobody", (_error: unknown, { cookie }: any) =>
          res.end(
            stable([cookie.originalMaxAge, new Date(cookie.expires), cookie.sameSite, cookie.path, cookie.domain]),
          ),
        );
      },
    },
    visit: async (client) => {
      await client.get("/own");
      await client.get("/get");
      const cookie = `connect.sid=${client.signed("of-nobody")}`;
      await client.get("/read", { cookie });
      await client.get("/count", { cookie });
    },
  },
  {
    name: "sessionStore.set of a record without a cookie",
    routes: {
      "/found": (req, res) => {
        req.sessionStore.get("of-nobody", (_error: unknown, found: unknown) => res.end(stable(found ?? null)));
      },
      "/of-nobody": (req, res) => {
        req.sessionStore.set("of-nobody", { foo: "bar" }, () => res.end("set"));
      },
    },
    visit: async (client) => {
      await client.get("/of-nobody");
      await client.get("/found");
      await client.get("/data", { cookie: `connect.sid=${client.signed("of-nobody")}` });
      await client.get("/data");
    },
  },
];

/** The programs of this file. */
export const COOKIE: readonly Program[] = [
  ...attributes,
  ...secure,
  ...forwarded,
  ...ofASession,
  ...reading,
  ...ofTheStore,
];
