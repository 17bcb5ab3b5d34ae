import { count, data, type Handler, type Program } from "../program.js";

/** The store: its events, its failures, and what it gives back. */

const END: Readonly<Record<string, Handler>> = {
  "/destroy": (req, res, next) =>
    req.session.destroy((error?: unknown) => (error ? next(error) : res.end("destroyed"))),
  "/save": (req, res, next) => {
    req.session.n = 9;
    req.session.save((error?: unknown) => (error ? next(error) : res.end("saved")));
  },
  "/reload": (req, res, next) => req.session.reload((error?: unknown) => (error ? next(error) : res.end("reloaded"))),
  "/regenerate": (req, res, next) =>
    req.session.regenerate((error?: unknown) => {
      if (error) return next(error);
      req.session.user = 1;
      res.end("regenerated");
    }),
  "/without": (req, res) => res.end(`session ${typeof req.session}, store ${typeof req.sessionStore}`),
};

const events: readonly Program[] = [
  {
    name: "a store that is disconnected: there is no session",
    routes: END,
    isAboutStores: true,
    issues: "expressjs/session#4, #216",
    visit: async (client) => {
      await client.get("/count");
      client.emit("disconnect");
      await client.get("/without");
      await client.get("/without", { cookie: "" });
      client.emit("connect");
      await client.get("/data");
    },
  },
  {
    name: "a store that is disconnected during a request",
    routes: {
      "/lose": (req, res, _next, { store }) => {
        req.session.n = 5;
        store.emit("disconnect");
        res.end("lost");
      },
      ...END,
    },
    isAboutStores: true,
    visit: async (client) => {
      await client.get("/count");
      await client.get("/lose");
      await client.get("/without");
      client.emit("connect");
      await client.get("/data");
    },
  },
  {
    name: "a store that is disconnected twice and connected once",
    routes: END,
    isAboutStores: true,
    visit: async (client) => {
      client.emit("disconnect");
      client.emit("disconnect");
      client.emit("connect");
      await client.get("/count");
      await client.get("/data");
    },
  },
];

const CALLS = ["get", "set", "touch", "destroy"] as const;
const FAULTS = ["error", "throws"] as const;

const failing: readonly Program[] = CALLS.flatMap((call) =>
  FAULTS.flatMap((fault) =>
    ["/data", "/count", "/save", "/destroy", "/regenerate", "/reload"]
      .filter((path) => concerns(call, path))
      .map((path) => ({
        name: `${call} ${fault === "error" ? "passes an error on" : "throws"}: ${path}`,
        routes: END,
        options: { cookie: { maxAge: 600_000 } },
        isEndless: fault === "throws",
        visit: async (client) => {
          await client.get("/count");
          client.advance(120_000);
          client.fault(call, fault);
          await client.get(path);
          client.fault(call);
          await client.get("/data");
        },
      })),
  ),
);

function concerns(call: (typeof CALLS)[number], path: string): boolean {
  if (call === "get") return path === "/data" || path === "/count" || path === "/reload";
  if (call === "touch") return path === "/data";
  if (call === "set") return path === "/count" || path === "/save" || path === "/regenerate";
  return path === "/destroy" || path === "/regenerate";
}

const firstVisit: readonly Program[] = FAULTS.map((fault) => ({
  name: `set ${fault === "error" ? "passes an error on" : "throws"}: a first visit`,
  isEndless: fault === "throws",
  visit: async (client) => {
    client.fault("set", fault);
    await client.get("/count");
    client.fault("set");
    await client.get("/data");
  },
}));

const odd: readonly Program[] = [
  ...CALLS.map((call) => ({
    name: `${call} calls back twice`,
    routes: END,
    isAboutStores: true,
    faults: { [call]: "twice" as const },
    visit: async (client: Parameters<Program["visit"]>[0]) => {
      await client.get("/count");
      await client.get("/data");
      await client.get("/destroy");
      await client.get("/data");
    },
  })),
  ...CALLS.map((call) => ({
    name: `${call} calls back at once`,
    routes: END,
    isAboutStores: true,
    faults: { [call]: "sync" as const },
    visit: async (client: Parameters<Program["visit"]>[0]) => {
      await client.get("/count");
      await client.get("/count");
      await client.get("/save");
      await client.get("/regenerate");
      await client.get("/destroy");
      await client.get("/data");
    },
  })),
  ...CALLS.map((call) => ({
    name: `${call} never calls back`,
    routes: END,
    isEndless: true,
    options: { cookie: { maxAge: 600_000 } },
    visit: async (client: Parameters<Program["visit"]>[0]) => {
      await client.get("/count");
      client.advance(120_000);
      client.fault(call, "never");
      await client.get(call === "set" ? "/count" : call === "destroy" ? "/destroy" : "/data");
      client.fault(call);
      await client.get("/data");
    },
  })),
  {
    name: "get passes ENOENT on: there is no session",
    isAboutStores: true,
    visit: async (client) => {
      await client.get("/count");
      client.fault("get", "ENOENT");
      await client.get("/data");
      await client.get("/count");
    },
  },
  {
    name: "a store without touch",
    isAboutStores: true,
    options: { cookie: { maxAge: 600_000 } },
    prepare: (store) => {
      store.touch = undefined;
    },
    visit: async (client) => {
      await client.get("/count");
      client.advance(60_000);
      await client.get("/data");
      await client.get("/count");
    },
  },
  {
    name: "a store without touch, resave",
    isAboutStores: true,
    options: { resave: true, cookie: { maxAge: 600_000 } },
    prepare: (store) => {
      store.touch = undefined;
    },
    visit: async (client) => {
      await client.get("/count");
      client.advance(60_000);
      await client.get("/data");
    },
  },
];

/** What a store may give back for a session, whoever wrote it. */
const RECORDS: Readonly<Record<string, unknown>> = {
  "no cookie": { n: 1 },
  "a cookie that is null": { cookie: null, n: 1 },
  "an empty object": {},
  "a cookie without anything": { cookie: {}, n: 1 },
  "a string": "a session",
  "a number": 7,
  false: false,
  null: null,
  "an array": [1, 2],
  "an expired cookie": { cookie: { expires: "2020-01-01T00:00:00.000Z", originalMaxAge: 60_000 }, n: 1 },
  "a date that is none": { cookie: { expires: "soon", originalMaxAge: 60_000 }, n: 1 },
  "keys of a session's methods": { cookie: { originalMaxAge: null }, save: "mine", id: "mine", req: "mine", n: 1 },
  "a key called __proto__": JSON.parse(
    '{"cookie":{"originalMaxAge":null},"__proto__":{"isAdmin":true},"n":1}',
  ) as unknown,
};

const records: readonly Program[] = Object.entries(RECORDS).map(([name, record]) => ({
  name: `a store that gives back ${name}`,
  isAboutStores: true,
  issues: "expressjs/session#824, expressjs/express#5089",
  prepare: (store: any) => {
    const get = store.get.bind(store) as (id: string, done: (...args: unknown[]) => void) => void;
    store.get = (id: string, done: (...args: unknown[]) => void) =>
      id === "given-back-by-the-store-as-it-is" ? setImmediate(() => done(null, record)) : get(id, done);
  },
  routes: { "/admin": (req, res) => res.end(String(req.session.isAdmin)) },
  visit: async (client) => {
    const cookie = `connect.sid=${client.signed("given-back-by-the-store-as-it-is")}`;
    await client.get("/data", { cookie });
    await client.get("/admin", { cookie });
    await client.get("/count", { cookie });
  },
}));

const memory: readonly Program[] = [
  {
    name: "without a store: the memory of this process",
    inMemory: true,
    routes: { "/count": count, "/data": data, ...END },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/count");
      await client.get("/regenerate");
      await client.get("/data");
      await client.get("/destroy");
      await client.get("/data");
    },
  },
  {
    name: "without a store: sessions are removed when they expire",
    inMemory: true,
    options: { cookie: { maxAge: 60_000 } },
    visit: async (client) => {
      await client.get("/count");
      const cookie = `connect.sid=${client.jar.get("connect.sid")}`;
      client.advance(61_000);
      await client.get("/data", { cookie });
    },
  },
];

/** The programs of this file. */
export const STORE: readonly Program[] = [...events, ...failing, ...firstVisit, ...odd, ...records, ...memory];
