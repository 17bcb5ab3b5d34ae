import express from "express";
import { ROOT, SMALL, LARGE, MISSING } from "../files.js";
import { middlewares, onExpress } from "../frameworks.js";
import type { App, Io, Options, Row, Stage } from "../row.js";

type Way = readonly [call: (io: Io) => unknown, options?: Options];

const SENDS: Readonly<Record<string, () => unknown>> = {
  text: () => "hello",
  "an empty text": () => "",
  bytes: () => Buffer.from("hello"),
  "a Uint8Array": () => new Uint8Array([104, 105]),
  "an object": () => ({ a: 1 }),
  "a list": () => [1, 2],
  null: () => null,
  undefined: () => undefined,
  true: () => true,
  "a number": () => 404,
  "a date": () => new Date(0),
};

const sends = Object.entries(SENDS).map(([name, value]): [string, Way] => [
  `res.send(${name})`,
  [({ res }) => res.send(value())],
]);

const circular: Record<string, unknown> = {};
circular["self"] = circular;

const JSONS: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  undefined: () => undefined,
  "a text": () => "hello",
  "what is circular": () => circular,
  "a bigint": () => 10n,
  "what throws in toJSON": () => ({
    toJSON() {
      throw new Error("no");
    },
  }),
};

const jsons = Object.entries(JSONS).map(([name, value]): [string, Way] => [
  `res.json(${name})`,
  [({ res }) => res.json(value())],
]);

const WAYS: Readonly<Record<string, Way>> = {
  ...Object.fromEntries(sends),
  ...Object.fromEntries(jsons),
  "HEAD, res.send": [({ res }) => res.send("hello"), { asked: { method: "HEAD" } }],
  "HEAD, res.json": [({ res }) => res.json({ a: 1 }), { asked: { method: "HEAD" } }],
  "HEAD, res.sendFile": [({ res }) => res.sendFile(SMALL), { asked: { method: "HEAD" } }],
  "res.jsonp": [({ res }) => res.jsonp({ a: 1 }), { asked: { path: "/?callback=f" } }],
  "res.sendStatus(200)": [({ res }) => res.sendStatus(200)],
  "res.sendStatus(404)": [({ res }) => res.sendStatus(404)],
  "res.sendStatus(999)": [({ res }) => res.sendStatus(999)],
  "res.sendStatus(1000)": [({ res }) => res.sendStatus(1000), { fault: "A1" }],
  "res.status(204).send(text)": [({ res }) => res.status(204).send("x")],
  "res.status(304).send(text)": [({ res }) => res.status(304).send("x")],
  "res.status(201).location(path).end()": [({ res }) => res.status(201).location("/a").end()],
  "res.redirect(path)": [({ res }) => res.redirect("/elsewhere")],
  "res.redirect(301, path)": [({ res }) => res.redirect(301, "/elsewhere")],
  "res.redirect of an address with odd characters": [({ res }) => res.redirect("/\u00e9?a=<b>")],
  "res.redirect for a client that wants HTML": [
    ({ res }) => res.redirect("/elsewhere"),
    { asked: { headers: { Accept: "text/html" } } },
  ],
  "res.redirect(undefined)": [({ res }) => res.redirect(undefined)],
  "res.sendFile, small": [({ res }) => res.sendFile(SMALL), { fault: "A4" }],
  "res.sendFile, large": [({ res }) => res.sendFile(LARGE), { fault: "A4" }],
  "res.sendFile with a callback": [({ res, callback }) => res.sendFile(SMALL, callback("sendFile")), { fault: "A4" }],
  "res.sendFile of a part": [({ res }) => res.sendFile(SMALL), { asked: { headers: { Range: "bytes=0-9" } } }],
  "res.sendFile of a part that is not there": [
    ({ res }) => res.sendFile(SMALL),
    { asked: { headers: { Range: "bytes=999999-" } } },
  ],
  "res.sendFile with maxAge and immutable": [
    ({ res }) => res.sendFile(SMALL, { maxAge: "1d", immutable: true }),
    { fault: "A22" },
  ],
  "res.sendFile for If-None-Match: *": [
    ({ res }) => res.sendFile(SMALL),
    { asked: { headers: { "If-None-Match": "*" } } },
  ],
  "res.sendFile of a missing file": [({ res }) => res.sendFile(MISSING)],
  "res.sendFile of a missing file, an answer in the callback": [
    ({ res }) =>
      res.sendFile(MISSING, (error: unknown) => {
        if (error) res.status(404).send("missing");
      }),
  ],
  "res.sendFile of a directory": [({ res }) => res.sendFile(ROOT)],
  "res.sendFile above its root": [({ res }) => res.sendFile("../package.json", { root: ROOT })],
  "res.sendFile of a relative path": [({ res }) => res.sendFile("LICENSE")],
  "res.download": [({ res }) => res.download(SMALL), { fault: "A4" }],
  "res.download with a name and a callback": [
    ({ res, callback }) => res.download(SMALL, "licence.txt", callback("download")),
    { fault: "A4" },
  ],
  "res.download of a missing file": [
    ({ res, note }) =>
      res.download(MISSING, (error: { code?: string }) => {
        note("error", error?.code);
        res.status(404).send("missing");
      }),
  ],
  "res.download whose callback uses the session": [
    ({ res, touch }) => res.download(SMALL, () => touch()),
    { fault: "A27" },
  ],
  "res.sendFile whose failure is ignored, then res.json": [
    ({ res }) => {
      res.sendFile(SMALL, () => {});
      res.json({ a: 1 });
    },
    { fault: "A9", whenSaveFails: "nothing" },
  ],
  "res.format": [
    ({ res }) => res.format({ text: () => res.send("text"), html: () => res.send("<p>html") }),
    { asked: { headers: { Accept: "text/html" } } },
  ],
  "res.format that has nothing": [
    ({ res }) => res.format({ html: () => res.send("<p>html") }),
    { asked: { headers: { Accept: "image/png" } } },
  ],
  "res.cookie and res.send": [({ res }) => res.cookie("a", "1").send("x")],
  "res.cookie twice, res.clearCookie, res.json": [
    ({ res }) => {
      res.cookie("a", "1").cookie("b", "2").clearCookie("c");
      res.json({});
    },
  ],
  "res.append, res.vary, res.links, res.type": [
    ({ res }) => {
      res.append("X-A", "1").append("X-A", "2").vary("Origin").links({ next: "/2" }).type("txt");
      res.send("x");
    },
  ],
  "res.attachment": [({ res }) => res.attachment("a.txt").send("x")],
  "res.set(name, undefined)": [({ res }) => res.set("X-A", undefined).send("x")],
  "res.set of a list": [({ res }) => res.set("X-A", ["1", "2"]).send("x")],
  "res.set of a line break": [({ res }) => res.set("X-A", "a\r\nb").send("x")],
  "res.set(Content-Length) of its own, wrong": [({ res }) => res.set("Content-Length", "1").send("hello")],
  "res.send with a public Cache-Control": [
    ({ res }) => res.set("Cache-Control", "public, max-age=60").send("x"),
    { fault: "A22" },
  ],
  "res.render": [({ res }) => res.render("README")],
  "res.render with a callback": [
    ({ res }) => res.render("README", (error: unknown, html: string) => res.status(error ? 500 : 200).send(html)),
  ],
  "res.render of a missing view": [({ res }) => res.render("nothing")],
  "res.render that fails": [({ res }) => res.render("README", { fails: true })],
  "res.render, later": [({ res }) => res.render("README", { later: true })],
};

/** An engine whose views are texts of its own. */
const engine = (_path: string, options: any, done: (error: unknown, html?: string) => void): void => {
  if (options.fails) done(new Error("no view"));
  else if (options.later) setImmediate(() => done(null, "<p>later"));
  else done(null, "<p>view");
};

const prepare = (app: any): void => {
  app.engine("md", engine);
  app.set("views", ROOT).set("view engine", "md");
};

const ways = Object.entries(WAYS).map(([name, [call, options]]) =>
  onExpress(
    name,
    (io) => {
      io.touch();
      return call(io);
    },
    { ...options, around: { prepare } },
  ),
);

/** A program that mounts its own routes. */
function program(name: string, mount: (app: any, stage: Stage) => void, options: Partial<Row> = {}): Row {
  return {
    name,
    on: ["express", "express4"],
    ...options,
    app: (stage): App => {
      const app = middlewares(stage.framework);
      app.use(stage.session);
      mount(app, stage);
      return app as unknown as App;
    },
  };
}

const touching =
  (stage: Stage) =>
  (req: object, _res: unknown, next: () => void): void => {
    stage.touch(req);
    next();
  };

const files = (options: object = {}): any => express.static(ROOT, options);

const programs: readonly Row[] = [
  program("express.static, a hit", (app) => app.use(files()), {
    asked: { path: "/LICENSE" },
    whenSaveFails: "as bare",
    fault: "A4",
  }),
  program("express.static, a hit after a write", (app, stage) => app.use(touching(stage)).use(files()), {
    asked: { path: "/LICENSE" },
    fault: "A4",
  }),
  program("express.static, immutable and public", (app) => app.use(files({ maxAge: "1y", immutable: true })), {
    asked: { path: "/LICENSE" },
    whenSaveFails: "as bare",
    fault: "A22",
  }),
  program("express.static, a miss", (app, stage) => app.use(touching(stage)).use(files()), {
    asked: { path: "/nothing" },
  }),
  program("express.static, a directory", (app, stage) => app.use(touching(stage)).use(files()), {
    asked: { path: "/src" },
  }),
  program("express.static, HEAD", (app, stage) => app.use(touching(stage)).use(files()), {
    asked: { path: "/LICENSE", method: "HEAD" },
  }),
  program("express.static, a path that climbs", (app, stage) => app.use(touching(stage)).use(files()), {
    asked: { path: "/%2e%2e/secret" },
  }),
  program(
    "express.json, a good body",
    (app, stage) =>
      app
        .use(express.json())
        .use(touching(stage))
        .use((req: any, res: any) => res.json(req.body)),
    { asked: { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"a":1}' } },
  ),
  program("express.json, a bad body", (app, stage) => app.use(touching(stage)).use(express.json()), {
    asked: { method: "POST", headers: { "Content-Type": "application/json" }, body: "{" },
  }),
  program(
    "express.json, a body that is too large",
    (app, stage) => app.use(touching(stage)).use(express.json({ limit: 10 })),
    { asked: { method: "POST", headers: { "Content-Type": "application/json" }, body: `"${"a".repeat(100)}"` } },
  ),
  program("a route that does not exist", (app, stage) =>
    app.use(touching(stage)).get("/other", (_req: unknown, res: any) => res.send("x")),
  ),
  program(
    "OPTIONS answered by the router",
    (app, stage) => app.use(touching(stage)).get("/", (_req: unknown, res: any) => res.send("x")),
    { asked: { method: "OPTIONS" } },
  ),
  program(
    "a parameter that cannot be decoded",
    (app, stage) => app.use(touching(stage)).get("/:id", (_req: unknown, res: any) => res.send("x")),
    { asked: { path: "/%zz" } },
  ),
  program(
    "a sub-application",
    (app, stage) => {
      const inner = middlewares(stage.framework);
      inner.use((req: object, res: any) => {
        stage.touch(req);
        res.send("inner");
      });
      app.use("/sub", inner);
    },
    { asked: { path: "/sub/x" } },
  ),
  program("next('route')", (app, stage) => {
    app.get("/", (req: object, _res: unknown, next: (where: string) => void) => {
      stage.touch(req);
      next("route");
    });
    app.get("/", (_req: unknown, res: any) => res.send("second"));
  }),
  program(
    "an internal forward: app.handle again",
    (app, stage) => {
      app.get("/a", (req: any, res: any, next: unknown) => {
        stage.touch(req);
        req.url = "/b";
        app.handle(req, res, next);
      });
      app.get("/b", (_req: unknown, res: any) => res.send("b"));
    },
    { asked: { path: "/a" }, fault: "A19" },
  ),
  program(
    "the same middleware mounted twice",
    (app, stage) => {
      app.use(stage.session);
      app.get("/", (req: object, res: any) => {
        stage.touch(req);
        res.send("x");
      });
    },
    { fault: "A19" },
  ),
];

/** What Express adds to a response. */
export const expressWays: readonly Row[] = [...ways, ...programs];
