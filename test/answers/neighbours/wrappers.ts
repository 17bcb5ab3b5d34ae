import { existsSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { EXPRESS, nodeApp } from "../frameworks.js";
import type { Framework, Io, Options, Row, Stage } from "../row.js";
import { exportsOf, neighbour } from "./packages.js";

/** The directory whose files are sent. */
export const FILES: string = fileURLToPath(new URL("../../../docs", import.meta.url));
export const SMALL_FILE = "reference/cookies.md";
export const LARGE_FILE = "understand/performance.md";

// Without them, bare and with a session alike, each row would be about a 404.
for (const file of [SMALL_FILE, LARGE_FILE])
  if (!existsSync(join(FILES, file))) throw new Error(`${join(FILES, file)} is not there`);

/** Far more than any buffer on the way takes at once. */
export const LARGE = { rows: Array.from({ length: 3000 }, (_, i) => ({ i, text: `row ${i}` })) };

/** A stream that brings its pieces a while apart. */
export function slowStream(pieces: number): Readable {
  async function* make(): AsyncGenerator<string> {
    for (let i = 0; i < pieces; i++) {
      yield `${String(i).repeat(9000)}\n`;
      if (i % 5 === 0) await new Promise(setImmediate);
    }
  }
  return Readable.from(make());
}

/** A stream that breaks: at once, or when the head of the answer is out. */
export function brokenStream(res?: { readonly headersSent: boolean }): Readable {
  async function* make(): AsyncGenerator<string> {
    if (res) yield "a piece ".repeat(1000);
    while (res && !res.headersSent) await new Promise(setImmediate);
    throw new Error("the source broke");
  }
  return Readable.from(make());
}

interface Way extends Omit<Options, "on"> {
  readonly name: string;
  answer(io: Io): unknown;
}

/** The answers that matter to what wraps a response. */
export const WAYS: readonly Way[] = [
  { name: "small json", answer: ({ res }) => res.json({ a: 1 }) },
  { name: "large json", answer: ({ res }) => res.json(LARGE) },
  { name: "a stream", answer: ({ res }) => void slowStream(20).pipe(res.type("text") as any) },
  {
    name: "pieces with callbacks",
    answer: ({ res, callback }) => {
      res.type("text");
      res.write("one ", callback("one"));
      res.write("two ", "utf8", callback("two"));
      res.end("three", callback("end"));
    },
  },
  { name: "a small file", answer: ({ res }) => res.sendFile(SMALL_FILE, { root: FILES }) },
  {
    name: "a large file",
    answer: ({ res, callback }) => res.sendFile(LARGE_FILE, { root: FILES }, callback("sendFile")),
  },
  { name: "a download", answer: ({ res }) => res.download(LARGE_FILE, "a.md", { root: FILES }) },
  { name: "a redirect", answer: ({ res }) => res.redirect("/elsewhere") },
  { name: "304", answer: ({ res }) => res.json({ a: 1 }), asked: { headers: { "If-None-Match": "*" } } },
  { name: "204", answer: ({ res }) => res.sendStatus(204) },
  { name: "HEAD", answer: ({ res }) => res.json(LARGE), asked: { method: "HEAD" } },
  {
    name: "headers first",
    answer: ({ res, later }) => {
      res.type("text").flushHeaders();
      later(5, () => res.end("the body"));
    },
    fault: "A4",
  },
  {
    name: "writeHead with headers",
    answer: ({ res }) => res.writeHead(201, { "Content-Type": "text/plain", "X-A": "b" }).end("made"),
  },
  {
    name: "events",
    answer: ({ res, later }) => {
      res.writeHead(200, { "Content-Type": "text/event-stream" });
      res.write("data: one\n\n");
      res.flush?.();
      later(5, () => res.end("data: two\n\n"));
    },
  },
  {
    name: "an answer after an await",
    answer: async ({ res }) => {
      await new Promise((resolve) => setTimeout(resolve, 3));
      res.json({ a: 1 });
    },
  },
  {
    name: "an error",
    answer: () => {
      throw new Error("sorry");
    },
  },
];

/** The few that show whether a middleware works at all. */
const FEW = ["small json", "a stream", "an error"];

/** A middleware of someone else's. */
interface Wrapper extends Omit<Options, "on" | "asked"> {
  readonly name: string;
  make(stage: Stage): any;
  /** Stands behind the handler. */
  readonly last?: (stage: Stage) => readonly any[];
  readonly ways?: readonly string[];
  readonly on?: readonly Framework[];
  readonly orders?: readonly Order[];
}

type Order = "before" | "after";

const rateLimit = (): any =>
  exportsOf("express-rate-limit").rateLimit({
    limit: 100,
    legacyHeaders: true,
    standardHeaders: "draft-7",
    validate: false,
    skipFailedRequests: true,
  });

function logging({ note, session }: Stage): any {
  const format = (tokens: any, req: any, res: any): undefined => {
    note(
      "log",
      [
        tokens.method(req, res),
        tokens.url(req, res),
        tokens.status(req, res),
        tokens.res(req, res, "content-type"),
      ].join(" "),
    );
    session.find?.(req);
    return undefined;
  };
  return neighbour("morgan")(format);
}

const stack = (stage: Stage): readonly any[] => [
  neighbour("helmet")(),
  logging(stage),
  neighbour("compression")({ threshold: 0 }),
  neighbour("cors")(),
  neighbour("cookie-parser")("secret"),
  neighbour("body-parser").json(),
  neighbour("response-time")(),
  rateLimit(),
];

const WRAPPERS: readonly Wrapper[] = [
  { name: "compression", make: () => neighbour("compression")({ threshold: 0 }), on: EXPRESS, fault: "A4" },
  { name: "compression of what is long", make: () => neighbour("compression")(), fault: "A4" },
  { name: "morgan", make: logging },
  {
    name: "morgan at once",
    make: ({ note }) =>
      neighbour("morgan")((tokens: any, req: any, res: any) => note("log", tokens.url(req, res)), {
        immediate: true,
      }),
    ways: FEW,
  },
  {
    name: "on-headers",
    make:
      ({ note }) =>
      (_req: any, res: any, next: () => void) => {
        neighbour("on-headers")(res, function atHeaders(this: any) {
          note("headers at", this.statusCode);
          this.setHeader("X-Status-At-Headers", this.statusCode);
        });
        next();
      },
  },
  { name: "response-time", make: () => neighbour("response-time")(), volatile: ["x-response-time"] },
  { name: "express-rate-limit", make: rateLimit, volatile: ["x-ratelimit-reset", "ratelimit"] },
  { name: "connect-timeout", make: () => neighbour("connect-timeout")("30s") },
  {
    name: "express-session",
    make: () => neighbour("express-session")({ secret: "s", resave: false, saveUninitialized: false, name: "other" }),
    ways: FEW,
    orders: ["before"],
    fault: "A3",
  },
  { name: "helmet", make: () => neighbour("helmet")(), ways: FEW },
  { name: "cookie-parser", make: () => neighbour("cookie-parser")("secret"), ways: FEW },
  { name: "body-parser", make: () => neighbour("body-parser").urlencoded(), ways: FEW },
  { name: "cors", make: () => neighbour("cors")({ credentials: true, origin: true }), ways: FEW },
  { name: "method-override", make: () => neighbour("method-override")("X-HTTP-Method-Override"), ways: FEW },
  { name: "passport without sessions", make: (stage) => passing(stage), ways: [...FEW, "a redirect"] },
  {
    name: "errorhandler",
    make: () => passOn,
    last: () => [neighbour("errorhandler")({ log: false })],
    whenSaveFails: "last resort",
    ways: ["small json", "a stream"],
    orders: ["before"],
  },
  {
    name: "the usual eight",
    make: (stage) => each(stack(stage)),
    volatile: ["x-response-time", "x-ratelimit-reset", "ratelimit"],
  },
];

const passOn = (_req: unknown, _res: unknown, next: () => void): void => next();

/** One middleware of many. */
function each(all: readonly any[]): any {
  return (req: any, res: any, next: (error?: unknown) => void) => {
    const from = (i: number): void =>
      i === all.length ? next() : all[i](req, res, (error?: unknown) => (error ? next(error) : from(i + 1)));
    from(0);
  };
}

/** Signs a request in by its header, each time anew. */
function passing({ note }: Stage): any {
  const passport = new (exportsOf("passport").Passport)();
  passport.use("header", {
    authenticate(this: any, req: any) {
      note("signed in");
      this.success({ name: req.headers["x-user"] ?? "ann" });
    },
  });
  return each([passport.initialize(), passport.authenticate("header", { session: false })]);
}

const GZIP = { "Accept-Encoding": "gzip" };

/** Every wrapper, before and after the session, around every way to answer. */
export const wrappers: readonly Row[] = WRAPPERS.flatMap((wrapper) =>
  (wrapper.orders ?? ["before", "after"]).flatMap((order) =>
    WAYS.filter(({ name }) => wrapper.ways?.includes(name) ?? true).map((way) => wrapped(wrapper, order, way)),
  ),
);

function wrapped(
  { name, make, last, ways: _ways, orders: _orders, on = ["express"], ...options }: Wrapper,
  order: Order,
  { name: what, answer, asked = {}, ...own }: Way,
): Row {
  const handler = (io: Io): unknown => {
    io.touch();
    return answer(io);
  };
  return {
    ...options,
    ...own,
    name: `${name} ${order} the session, ${what}`,
    on,
    asked: { ...asked, headers: { ...GZIP, ...asked.headers } },
    app: (stage) => nodeApp(stage, handler, { [order]: [make(stage)], last: last?.(stage) ?? [] }),
  };
}
