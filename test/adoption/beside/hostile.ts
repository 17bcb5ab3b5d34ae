import { type Handler, type Program } from "../program.js";

/** What applications put into a session that no store can hold, and what strangers send. */

function putting(name: string, make: (req: any) => unknown, more: Partial<Program> = {}): Program {
  return {
    name: `a session that is given ${name}`,
    routes: {
      "/put": (req, res) => {
        req.session.value = make(req);
        res.end("put");
      },
      "/put-and-save": (req, res, next) => {
        req.session.value = make(req);
        req.session.save((error?: unknown) => (error ? next(error) : res.end("saved")));
      },
    },
    visit: async (client) => {
      await client.get("/count");
      await client.get("/put");
      await client.get("/data");
      await client.get("/put-and-save");
      await client.get("/data");
      await client.get("/put", { cookie: "" });
    },
    ...more,
  };
}

const circular = (): object => {
  const one: { self?: unknown } = {};
  one.self = one;
  return one;
};

class Money {
  readonly amount = 5;
}

const values: readonly Program[] = [
  putting("circular data", circular, { isEndless: true, issues: "expressjs/express#1039" }),
  putting("the request", (req) => req, { isEndless: true }),
  putting("a BigInt", () => 10n, { isEndless: true }),
  putting("a function", () => () => 1),
  putting("a symbol", () => Symbol("mine")),
  putting("undefined", () => undefined),
  putting("null", () => null),
  putting("NaN and Infinity", () => [NaN, Infinity, -Infinity]),
  putting("-0", () => -0),
  putting("a Date", () => new Date(Date.UTC(2026, 0, 1))),
  putting("an invalid Date", () => new Date(NaN)),
  putting("a Map and a Set", () => [new Map([["a", 1]]), new Set([1])]),
  putting("bytes", () => Buffer.from("abc")),
  putting("an Error", () => new Error("mine")),
  putting("a RegExp", () => /a+/g),
  putting("an object of a class", () => new Money()),
  putting("an object with toJSON", () => ({ secret: 1, toJSON: () => "shown" })),
  putting(
    "an object whose toJSON throws",
    () => ({
      toJSON: () => {
        throw new Error("no JSON");
      },
    }),
    { isEndless: true },
  ),
  putting("an object with a getter", () => ({
    get now() {
      return 5;
    },
  })),
  putting("an object without a prototype", () => Object.assign(Object.create(null) as object, { a: 1 })),
  putting("a sparse array", () => Object.assign(new Array(3), { 0: 1, 2: 3 })),
  putting("a String object", () => new String("boxed")),
  putting("half a surrogate pair", () => "\ud800"),
  putting("text of every kind", () => "\u0000 ä \u2028 \ud83d\ude00 \"'\\</script>"),
  putting("deep nesting", () => Array.from({ length: 500 }).reduce<object>((inner) => ({ inner }), {})),
  putting("100 kB", () => "x".repeat(100_000)),
  putting("a million bytes", () => "x".repeat(1_000_000)),
];

const KEYS = ["__proto__", "constructor", "toString", "id", "req", "save", "cookie", "", "a b", "ä", "0"];

const keys: readonly Program[] = KEYS.map((key) => ({
  name: `a key called "${key}"`,
  isEndless: key === "save" || key === "cookie",
  routes: {
    "/put": (req, res, next) => {
      try {
        req.session[key] = "mine";
        req.session.n = 1;
        res.end("put");
      } catch (error) {
        next(error);
      }
    },
    "/get": (req, res) => res.end(`${typeof req.session[key]} ${req.session[key] === "mine"}`),
  } satisfies Record<string, Handler>,
  visit: async (client) => {
    await client.get("/put");
    await client.get("/get");
    await client.get("/data");
  },
}));

const assigned: readonly Program[] = (
  [
    ["null", () => null],
    ["an empty object", () => ({})],
    ["an array", () => []],
    ["a string", () => "session"],
    ["a number", () => 7],
    ["true", () => true],
  ] as const
).map(([name, make]) => ({
  name: `req.session = ${name}`,
  isEndless: name !== "null",
  routes: {
    "/assign": (req: any, res: any) => {
      req.session = make();
      res.end("assigned");
    },
  },
  visit: async (client: Parameters<Program["visit"]>[0]) => {
    await client.get("/assign");
    await client.get("/count");
    await client.get("/assign");
    await client.get("/data");
  },
}));

const ids: readonly Program[] = (
  [
    ["undefined", undefined],
    ["a number", 42],
    ["a string", "assigned-by-the-application-itself"],
  ] as const
).map(([name, value]) => ({
  name: `req.sessionID = ${name}`,
  routes: {
    "/assign": (req: any, res: any) => {
      req.sessionID = value;
      req.session.n = 1;
      res.end("assigned");
    },
  },
  visit: async (client: Parameters<Program["visit"]>[0]) => {
    await client.get("/assign");
    await client.get("/data");
  },
}));

const strangers: readonly Program[] = [
  {
    name: "a cookie header of 12 kB",
    visit: async (client) => {
      await client.get("/count");
      const own = `connect.sid=${client.jar.get("connect.sid")}`;
      await client.get("/data", { cookie: `${own}; big=${"x".repeat(12_000)}` });
    },
  },
  {
    name: "a stranger removes the session while its owner writes",
    routes: {
      "/slow": async (req, res, _next, { gate }) => {
        req.session.n += 10;
        await gate("go");
        res.end("slow");
      },
      "/end": (req, res) => req.session.destroy(() => res.end("ended")),
    },
    visit: async (client) => {
      await client.get("/count");
      const slow = await client.start("/slow");
      await client.rest();
      await client.get("/end");
      client.open("go");
      await slow();
      await client.get("/data");
    },
  },
];

/** The programs of this file. */
export const HOSTILE: readonly Program[] = [...values, ...keys, ...assigned, ...ids, ...strangers];
