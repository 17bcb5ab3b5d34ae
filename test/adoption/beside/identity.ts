import { createHmac } from "node:crypto";
import { count, type Program } from "../program.js";

/** The id: who draws it, how it is signed, under which name it comes. */

const ID = "abcdefghijklmnopqrstuvwxyz012345";
const sign = (id: string, secret: string): string =>
  `s:${id}.${createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "")}`;

function constructed(name: string, options: Readonly<Record<string, unknown>>): Program {
  return {
    name: `made with ${name}`,
    options,
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data");
    },
  };
}

const making: readonly Program[] = [
  constructed("genid that is no function", { genid: "uuid" }),
  constructed("unset of another value", { unset: "remove" }),
  constructed("an empty array of secrets", { secret: [] }),
  constructed("no secret", { secret: undefined }),
  constructed("an empty secret", { secret: "" }),
  constructed("a secret of bytes", { secret: Buffer.from("keyboard cat") }),
  constructed("three secrets", { secret: ["one", "two", "three"] }),
  constructed("a name", { name: "sid" }),
  constructed("a name as `key`, as it was once called", { key: "sid" }),
  constructed("a name with a character that cookies do not allow", { name: "a b" }),
  constructed("an option of another name", { ttl: 5, whatever: true }),
  constructed("resave: null", { resave: null }),
  constructed("rolling: 1", { rolling: 1, cookie: { maxAge: 60_000 } }),
];

let drawn = 0;
const genid: readonly Program[] = [
  {
    name: "genid: a UUID",
    options: () => ({ genid: () => `00000000-0000-4000-8000-${String((drawn += 1)).padStart(12, "0")}` }),
    visit: async (client) => {
      await client.get("/count");
      await client.get("/count");
      await client.get("/data");
    },
  },
  {
    name: "genid: is given the request",
    options: { genid: (req: any) => `id-of-${req.headers["x-name"]}-${"x".repeat(20)}` },
    visit: async (client) => {
      await client.get("/count", { headers: { "x-name": "tobi" } });
      await client.get("/data");
    },
  },
  {
    name: "genid: short ids",
    options: { genid: () => "short" },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data");
    },
  },
  {
    name: "genid: ids with characters that cookies escape",
    options: { genid: () => 'user 1/ä;=%,"' },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data");
    },
  },
  {
    name: "genid: a number",
    options: { genid: () => 42 },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data");
    },
  },
  {
    name: "genid: undefined",
    options: { genid: () => undefined },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data");
    },
  },
  {
    name: "genid: an empty string",
    options: { genid: () => "" },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data");
    },
  },
  {
    name: "genid: a promise",
    options: { genid: async () => "later" },
    visit: async (client) => {
      await client.get("/count");
    },
  },
  {
    name: "genid throws",
    options: {
      genid: () => {
        throw new Error("no id today");
      },
    },
    visit: async (client) => {
      await client.get("/count");
    },
  },
  {
    name: "genid: the same id twice, by two visitors",
    options: { genid: () => "the-same-id-for-every-visitor-there-is" },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/count", { cookie: "" });
      await client.get("/data");
    },
  },
  {
    name: "genid is called for regenerate, too",
    options: () => {
      let n = 0;
      return { genid: () => `generated-id-number-${(n += 1)}-of-this-program` };
    },
    routes: {
      "/r": (req, res) => {
        req.session.regenerate(() => {
          req.session.user = 1;
          res.end(String(req.sessionID));
        });
      },
    },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/r");
      await client.get("/data");
    },
  },
];

const secrets: readonly Program[] = [
  {
    name: "secrets: the first signs, all verify",
    options: { secret: ["new", "old", "older"] },
    visit: async (client) => {
      await client.get("/count");
      for (const secret of ["new", "old", "older", "never"]) {
        const cookie = `connect.sid=${client.signed(client.names.id("#1"), secret)}`;
        await client.get("/data", { cookie });
        await client.get("/count", { cookie });
      }
    },
  },
  {
    name: "secrets: rolling signs an old cookie anew",
    options: { secret: ["new", "old"], rolling: true },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data", { cookie: `connect.sid=${client.signed(client.names.id("#1"), "old")}` });
    },
  },
  {
    name: "secret from req.secret, as cookie-parser leaves it",
    options: { secret: undefined },
    before: [
      (req, _res, next) => {
        req.secret = "keyboard cat";
        next();
      },
    ],
    visit: async (client) => {
      await client.get("/count");
      await client.get("/count");
    },
  },
  {
    name: "the cookie read by cookie-parser, signed",
    before: [
      (req, _res, next) => {
        req.signedCookies = { "connect.sid": req.headers["x-sid"] };
        next();
      },
    ],
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data", { cookie: "", headers: { "x-sid": client.names.id("#1") } });
    },
  },
  {
    name: "the cookie read by cookie-parser, unsigned",
    before: [
      (req, _res, next) => {
        const raw = req.headers["x-sid"];
        req.cookies = raw ? { "connect.sid": decodeURIComponent(raw as string) } : {};
        next();
      },
    ],
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data", { cookie: "", headers: { "x-sid": client.jar.get("connect.sid")! } });
    },
  },
];

/** Cookie headers of strangers. None of them is a session, and none an error. */
const HEADERS: Readonly<Record<string, string>> = {
  "empty value": "connect.sid=",
  "no value": "connect.sid",
  "an unsigned id": `connect.sid=${ID}`,
  "a signature alone": "connect.sid=s%3A",
  "no dot": `connect.sid=s%3A${ID}`,
  "an empty id, signed": `connect.sid=${encodeURIComponent(sign("", "keyboard cat"))}`,
  "two dots": `connect.sid=${encodeURIComponent(sign(`a.${ID}`, "keyboard cat"))}`,
  "a bad escape": "connect.sid=s%3A%E0%A4%A.abc",
  "bytes that are no text": "connect.sid=s%3A%FF%FE.abc",
  "a signature cut short": `connect.sid=${encodeURIComponent(sign(ID, "keyboard cat")).slice(0, -4)}`,
  "a signature with more behind it": `connect.sid=${encodeURIComponent(sign(ID, "keyboard cat"))}abc`,
  "a NUL in the id": `connect.sid=${encodeURIComponent(sign("a\0b", "keyboard cat"))}`,
  "an id of 8000 characters": `connect.sid=${encodeURIComponent(sign("a".repeat(8000), "keyboard cat"))}`,
  "__proto__ as an id": `connect.sid=${encodeURIComponent(sign("__proto__", "keyboard cat"))}`,
  "another case of the name": `Connect.Sid=${encodeURIComponent(sign(ID, "keyboard cat"))}`,
  "in quotation marks": `connect.sid="${encodeURIComponent(sign(ID, "keyboard cat"))}"`,
  "semicolons alone": ";;; ; ;",
  "many cookies before it": `${Array.from({ length: 100 }, (_, i) => `c${i}=${i}`).join("; ")}; connect.sid=x`,
};

const strangers: readonly Program[] = Object.entries(HEADERS).map(([name, cookie]) => ({
  name: `a stranger's cookie: ${name}`,
  visit: async (client) => {
    await client.get("/none", { cookie });
    await client.get("/count", { cookie });
  },
}));

const names: readonly Program[] = [
  {
    name: "the cookie twice: the first counts",
    visit: async (client) => {
      await client.get("/count");
      const own = client.jar.get("connect.sid")!;
      await client.get("/data", { cookie: `connect.sid=${own}; connect.sid=x` });
      await client.get("/data", { cookie: `connect.sid=x; connect.sid=${own}` });
    },
  },
  {
    name: "the cookie in quotation marks",
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data", { cookie: `connect.sid="${client.jar.get("connect.sid")!}"` });
    },
  },
  {
    name: "the cookie with its value not escaped",
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data", { cookie: `connect.sid=${decodeURIComponent(client.jar.get("connect.sid")!)}` });
    },
  },
  {
    name: "other cookies around it",
    visit: async (client) => {
      await client.get("/count");
      await client.get("/data", { cookie: `a=b; connect.sid=${client.jar.get("connect.sid")!}; c="d e"` });
    },
  },
  {
    name: "two applications with two names",
    options: { name: "one.sid" },
    app: (app, { session, elsewhere }) => {
      const other = session({
        secret: "keyboard cat",
        resave: false,
        saveUninitialized: false,
        name: "two.sid",
        ...elsewhere,
      });
      app.use("/two", (req: any, _res: unknown, next: () => void) => {
        req.session = undefined;
        next();
      });
      app.use("/two", other);
      app.get("/two/count", count);
    },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/two/count");
      await client.get("/data");
    },
  },
];

/** The programs of this file. */
export const IDENTITY: readonly Program[] = [...making, ...genid, ...secrets, ...strangers, ...names];
