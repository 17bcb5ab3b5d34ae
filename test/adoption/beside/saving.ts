import type { Client } from "../client.js";
import { none, read, type Handler, type Program } from "../program.js";

/** When a session is stored, when its deadline moves, when its cookie is sent: every option in every situation. */

const MINUTE = 60_000;

interface Situation {
  readonly name: string;
  readonly visit: (client: Client) => Promise<void>;
  /** Only with a cookie that expires. */
  readonly expires?: boolean;
}

const routes: Readonly<Record<string, Handler>> = {
  "/restore": (req, res) => {
    req.session.extra = 1;
    delete req.session.extra;
    res.end("restored");
  },
  "/set": (req, res) => {
    req.session.user = { name: "tobi", roles: ["a", "b"] };
    res.end("set");
  },
  "/touch": (req, res) => {
    req.session.touch();
    res.end("touched");
  },
  "/save": (req, res) => {
    req.session.save((error?: unknown) => res.end(`saved ${error ?? "well"}`));
  },
  "/count-and-save": (req, res) => {
    req.session.n = (req.session.n ?? 0) + 1;
    req.session.save((error?: unknown) => res.end(`saved ${error ?? "well"}`));
  },
  "/deep": (req, res) => {
    req.session.user.roles.push("c");
    res.end("pushed");
  },
  "/remove": (req, res) => {
    delete req.session.n;
    res.end("removed");
  },
};

const SITUATIONS: readonly Situation[] = [
  { name: "a visitor writes nothing", visit: async (client) => void (await client.get("/none")) },
  { name: "a visitor reads", visit: async (client) => void (await client.get("/read")) },
  {
    name: "a visitor writes, comes back and reads",
    visit: async (client) => {
      await client.get("/count");
      client.advance(10_000);
      await client.get("/read");
    },
  },
  {
    name: "a visitor writes, comes back and writes",
    visit: async (client) => {
      await client.get("/count");
      client.advance(10_000);
      await client.get("/count");
    },
  },
  {
    name: "a visitor writes the same value again",
    visit: async (client) => {
      await client.get("/set");
      client.advance(10_000);
      await client.get("/set");
    },
  },
  {
    name: "a visitor writes and removes it at once, then comes back",
    visit: async (client) => {
      await client.get("/restore");
      await client.get("/read");
    },
  },
  {
    name: "a change in a nested array",
    visit: async (client) => {
      await client.get("/set");
      await client.get("/deep");
      await client.get("/data");
    },
  },
  {
    name: "a key is removed",
    visit: async (client) => {
      await client.get("/count");
      await client.get("/remove");
      await client.get("/data");
    },
  },
  {
    name: "touch() by hand",
    visit: async (client) => {
      await client.get("/count");
      client.advance(10_000);
      await client.get("/touch");
    },
  },
  {
    name: "save() by hand, of a visitor and of a session",
    visit: async (client) => {
      await client.get("/save");
      client.advance(10_000);
      await client.get("/count-and-save");
      await client.get("/save");
    },
  },
  {
    name: "an id with a valid signature that no store knows",
    visit: async (client) => {
      const cookie = `connect.sid=${client.signed("abcdefghijklmnopqrstuvwxyz012345")}`;
      await client.get("/none", { cookie });
      await client.get("/count", { cookie });
    },
  },
  {
    name: "an id with a forged signature",
    visit: async (client) => {
      const cookie = `connect.sid=${client.signed("abcdefghijklmnopqrstuvwxyz012345", "another secret")}`;
      await client.get("/none", { cookie });
      await client.get("/count", { cookie });
    },
  },
  {
    name: "a session that has expired",
    expires: true,
    visit: async (client) => {
      await client.get("/count");
      const cookie = [...client.jar].map(([name, value]) => `${name}=${value}`).join("; ");
      client.advance(MINUTE + 1000);
      await client.get("/none", { cookie });
      await client.get("/count", { cookie });
    },
  },
  {
    name: "a session that is kept alive by requests",
    expires: true,
    visit: async (client) => {
      await client.get("/count");
      for (let i = 0; i < 3; i += 1) {
        client.advance(MINUTE - 20_000);
        await client.get("/none", { cookie: [...client.jar].map(([name, value]) => `${name}=${value}`).join("; ") });
      }
      await client.get("/data");
    },
  },
];

const BOTH = [false, true];

const table: readonly Program[] = BOTH.flatMap((resave) =>
  BOTH.flatMap((saveUninitialized) =>
    BOTH.flatMap((rolling) =>
      [undefined, MINUTE].flatMap((maxAge) =>
        SITUATIONS.filter(({ expires }) => !expires || maxAge !== undefined)
          // Without a deadline, `rolling` shows where a session is read and where it is written.
          .filter(({ name }) => maxAge !== undefined || !rolling || name.includes("comes back"))
          .map(({ name, visit }) => ({
            name: `${flags({ resave, saveUninitialized, rolling, maxAge: maxAge !== undefined })}: ${name}`,
            options: { resave, saveUninitialized, rolling, ...(maxAge !== undefined && { cookie: { maxAge } }) },
            routes,
            visit,
          })),
      ),
    ),
  ),
);

function flags(all: Record<string, boolean>): string {
  const on = Object.entries(all).filter(([, value]) => value);
  return on.length === 0 ? "no option" : on.map(([name]) => name).join(", ");
}

const unsetBy: Readonly<Record<string, Handler>> = {
  "/delete": (req, res) => {
    delete req.session;
    res.end("deleted");
  },
  "/null": (req, res) => {
    req.session = null;
    res.end("null");
  },
  "/undefined": (req, res) => {
    req.session = undefined;
    res.end("undefined");
  },
  "/change-and-null": (req, res) => {
    req.session.n = 99;
    req.session = null;
    res.end("null");
  },
  "/null-later": (req, res) => {
    res.write("a");
    setImmediate(() => {
      req.session = null;
      res.end("b");
    });
  },
};

/** `req.session = null`: expressjs/session#6, #50. */
const unset: readonly Program[] = [undefined, "keep", "destroy"].flatMap((unset) =>
  Object.keys(unsetBy).flatMap((path) =>
    [false, true].map((isKnown) => ({
      name: `unset ${unset ?? "left out"}: ${path.slice(1)}, ${isKnown ? "a session" : "a visitor"}`,
      options: { ...(unset && { unset }) },
      routes: unsetBy,
      issues: "expressjs/session#6, #50",
      visit: async (client: Client) => {
        if (isKnown) await client.get("/count");
        await client.get(path);
        await client.get("/data");
      },
    })),
  ),
);

const others: readonly Program[] = [
  {
    name: "resave and saveUninitialized left out",
    options: { resave: undefined, saveUninitialized: undefined },
    visit: async (client) => {
      await client.get("/none");
      await client.get("/none");
    },
  },
  {
    name: "saveUninitialized: the session of a visitor is there for the next request",
    options: { saveUninitialized: true },
    visit: async (client) => {
      await client.get("/read");
      await client.get("/count");
      await client.get("/read");
    },
  },
  {
    name: "rolling with a cookie whose age is changed for one session",
    options: { rolling: true, cookie: { maxAge: MINUTE } },
    routes: {
      "/longer": (req, res) => {
        req.session.cookie.maxAge = 10 * MINUTE;
        res.end("longer");
      },
    },
    issues: "expressjs/session#189, #367",
    visit: async (client) => {
      await client.get("/count");
      await client.get("/longer");
      client.advance(5 * MINUTE);
      await client.get("/read");
      client.advance(8 * MINUTE);
      await client.get("/read");
    },
  },
  {
    name: "a session of one client is none of another's",
    visit: async (client) => {
      await client.get("/count");
      await client.get("/count", { cookie: "" });
      await client.get("/data");
    },
  },
  {
    name: "two middlewares of one name: the second does nothing",
    app: (app, { session, elsewhere }) => {
      app.use(session({ secret: "another", resave: false, saveUninitialized: true, ...elsewhere }));
      app.get("/second", none);
    },
    visit: async (client) => {
      await client.get("/second");
      await client.get("/count");
      await client.get("/second");
    },
  },
  {
    name: "something else has put req.session there before",
    before: [
      (req, _res, next) => {
        req.session = { mine: true };
        next();
      },
    ],
    routes: { "/mine": (req, res) => res.end(JSON.stringify(req.session)) },
    visit: async (client) => {
      await client.get("/mine");
    },
  },
  {
    name: "reading after writing in one request",
    routes: {
      "/both": (req, res, next) => {
        req.session.a = 1;
        read(req, res, next, undefined as never);
      },
    },
    visit: async (client) => {
      await client.get("/both");
      await client.get("/both");
    },
  },
];

/** The programs of this file. */
export const SAVING: readonly Program[] = [...table, ...unset, ...others];
