import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { App, Options, Row, Stage } from "../row.js";
import { exportsOf, neighbour } from "./packages.js";
import { LARGE, slowStream } from "./wrappers.js";

type Program = Row["app"];

function on(name: string, app: Program, options: Omit<Options, "on"> = {}): Row {
  return { ...options, name, on: ["connect"], app };
}

const touching =
  (stage: Stage) =>
  (req: any, _res: any, next: any): void => {
    stage.touch(req);
    next();
  };

const polkaWith = (stage: Stage, handler: (req: any, res: any) => unknown, options: object = {}): App =>
  neighbour("polka")(options).use(stage.session, touching(stage)).get("/", handler).handler;

/** As its page says; an error of the storage has a code, which polka would take for the status. */
const onPolkaError = (error: any, _req: unknown, res: any): void =>
  void res.writeHead(error.status ?? 500).end("sorry");

const polka: readonly Row[] = [
  on("polka, res.end", (stage) => polkaWith(stage, (_req, res) => res.end("hello"), { onError: onPolkaError })),
  on("polka, writeHead and a stream", (stage) =>
    polkaWith(stage, (_req, res) => slowStream(20).pipe(res.writeHead(200, { "X-A": "b" })), {
      onError: onPolkaError,
    }),
  ),
  on("polka, an error", (stage) => polkaWith(stage, (_req, res) => res.end("hello"), { onError: onPolkaError }), {
    asked: { path: "/nothing" },
  }),
  on("polka, its own error handler", (stage) => polkaWith(stage, (_req, res) => res.end("hello"))),
  on("polka, a middleware that answers and goes on", (stage) => {
    const answer = (_req: unknown, res: any, next: () => void): void => {
      res.end("first");
      next();
    };
    return neighbour("polka")({ onError: onPolkaError })
      .use(stage.session, touching(stage), answer)
      .get("/", (_req: unknown, res: any) => res.end("second")).handler;
  }),
];

const tinyWith = (stage: Stage, handler: (req: any, res: any) => unknown): App => {
  const { App: TinyApp } = exportsOf("@tinyhttp/app");
  const app = new TinyApp({
    onError: (error: any, _req: unknown, res: any) => void res.writeHead(error.status ?? 500).end("sorry"),
  });
  app.use(stage.session).use(touching(stage)).all("/", handler);
  return app.handler.bind(app);
};

const tinyhttp: readonly Row[] = [
  on("tinyhttp, res.json", (stage) => tinyWith(stage, (_req, res) => res.json({ a: 1 }))),
  on("tinyhttp, res.send of what is large", (stage) => tinyWith(stage, (_req, res) => res.send(LARGE))),
  on("tinyhttp, a stream", (stage) => tinyWith(stage, (_req, res) => void slowStream(20).pipe(res))),
  on("tinyhttp, a redirect", (stage) => tinyWith(stage, (_req, res) => res.redirect("/elsewhere"))),
  on("tinyhttp, 304", (stage) => tinyWith(stage, (_req, res) => res.json({ a: 1 })), {
    asked: { headers: { "If-None-Match": "*" } },
  }),
  on("tinyhttp, HEAD", (stage) => tinyWith(stage, (_req, res) => res.send(LARGE)), { asked: { method: "HEAD" } }),
  on("tinyhttp, sendFile", (stage) =>
    tinyWith(stage, (_req, res) =>
      res.sendFile(createRequire(import.meta.url).resolve("../../../docs/reference/cookies.md")),
    ),
  ),
  on("tinyhttp, an error", (stage) =>
    tinyWith(stage, () => {
      throw new Error("sorry");
    }),
  ),
  on("tinyhttp, an error later", (stage) => tinyWith(stage, async () => Promise.reject(new Error("sorry")))),
];

const nextConnect = (stage: Stage, handler: (req: any, res: any) => unknown): App => {
  const { createRouter, expressWrapper } = exportsOf("next-connect");
  const router = createRouter()
    .use(expressWrapper(stage.session))
    .use((req: any, res: any, next: () => unknown) => {
      stage.touch(req);
      awaitLastResort(stage, res);
      return next();
    });
  router.all("/", handler);
  return router.handler({
    onError: (error: any, _req: unknown, res: any) => void res.writeHead(error.status ?? 500).end("sorry"),
  });
};

const once = { whenSaveFails: "last resort" } as const;

const nextConnects: readonly Row[] = [
  on("next-connect, res.end", (stage) => nextConnect(stage, (_req, res) => void res.end("hello")), once),
  on(
    "next-connect, an answer after an await",
    (stage) =>
      nextConnect(stage, async (_req, res) => {
        await new Promise(setImmediate);
        res.end("hello");
      }),
    once,
  ),
  on("next-connect, an error", (stage) => nextConnect(stage, async () => Promise.reject(new Error("sorry"))), once),
];

const SAVED_MS = 80;
const LAST_RESORT_MS = 5500;

/** Where `next` counts once, a failed save is answered by the last resort alone: the cell waits for it. */
function awaitLastResort({ later }: Stage, res: any): void {
  later(SAVED_MS, () => res.writableFinished || later(LAST_RESORT_MS, () => {}));
}

type H3 = Record<string, any>;

/** The session inside h3: its own way to take a middleware of Node. */
function h3Inside(stage: Stage, handler: (event: any, h3: H3) => unknown): App {
  const h3 = exportsOf("h3") as H3;
  const app = h3["createApp"]({ onError: () => {} });
  app.use(h3["fromNodeMiddleware"](stage.session));
  app.use(
    h3["eventHandler"]((event: any) => {
      stage.touch(event.node.req);
      awaitLastResort(stage, event.node.res);
      return handler(event, h3);
    }),
  );
  return h3["toNodeListener"](app);
}

/** The session around h3. */
function h3Outside(stage: Stage, handler: (event: any, h3: H3) => unknown): App {
  const h3 = exportsOf("h3") as H3;
  const app = h3["createApp"]({ onError: () => {} });
  app.use(
    h3["eventHandler"]((event: any) => {
      stage.touch(event.node.req);
      return handler(event, h3);
    }),
  );
  const listener = h3["toNodeListener"](app);
  return (req, res) =>
    stage.session(req, res, (error: any) =>
      error ? void res.writeHead(error.status ?? 500).end("sorry") : listener(req, res),
    );
}

const H3_WAYS: Readonly<Record<string, { handle: (event: any, h3: H3) => unknown } & Omit<Options, "on">>> = {
  "an object": { handle: () => ({ a: 1 }) },
  "a large object": { handle: () => LARGE },
  "a text": { handle: () => "hello" },
  nothing: { handle: () => null },
  "a stream": { handle: () => slowStream(20) },
  "a web response": {
    handle: () => new Response("made", { status: 201, headers: { "X-A": "b", "Set-Cookie": "a=1" } }),
  },
  "a web stream": { handle: () => new Response("piece").body },
  sendRedirect: { handle: (event, h3) => h3["sendRedirect"](event, "/elsewhere", 302), fault: "A7" },
  "a cookie": {
    handle: (event, h3) => {
      h3["setCookie"](event, "a", "1");
      return "hello";
    },
  },
  send: { handle: (event, h3) => h3["send"](event, "sent"), fault: "A7" },
  HEAD: { handle: () => LARGE, asked: { method: "HEAD" } },
  "an error": {
    handle: (_event, h3) => {
      throw h3["createError"]({ statusCode: 418, statusMessage: "teapot" });
    },
  },
  events: {
    handle: (event, h3) => {
      const stream = h3["createEventStream"](event);
      void stream
        .push("one")
        .then(() => stream.push("two"))
        .then(() => stream.close());
      return stream.send();
    },
  },
  "events that go on": {
    handle: async (event) => {
      event.node.res.setHeader("Content-Type", "text/event-stream");
      event.node.res.write("data: one\n\n");
      await new Promise(setImmediate);
      event.node.res.end("data: two\n\n");
    },
  },
};

const h3: readonly Row[] = Object.entries(H3_WAYS).flatMap(([what, { handle, ...options }]) => [
  on(`h3, the session inside, ${what}`, (stage) => h3Inside(stage, handle), { ...once, ...options }),
  on(`h3, the session outside, ${what}`, (stage) => h3Outside(stage, handle), options),
]);

function restifyWith(
  stage: Stage,
  handler: (req: any, res: any, next: any) => unknown,
  prepare: (server: any, plugins: any) => void = () => {},
): App {
  const { createServer: createRestify, plugins } = exportsOf("restify");
  const server = createRestify({ name: "restify" });
  server.pre(stage.session);
  prepare(server, plugins);
  const served = (req: any, res: any, next: any): unknown => {
    stage.touch(req);
    awaitLastResort(stage, res);
    return handler(req, res, next);
  };
  server.get("/", served);
  server.head("/", served);
  server.on("after", (_req: unknown, _res: unknown, _route: unknown, error: unknown) =>
    stage.note("after", error ? "an error" : "no error"),
  );
  stage.onEnd(() => server.close());
  return server.server;
}

const restifyRow = (
  name: string,
  handler: (req: any, res: any, next: any) => unknown,
  options: Omit<Options, "on"> = {},
  prepare?: (server: any, plugins: any) => void,
): Row =>
  on(`restify, ${name}`, (stage) => restifyWith(stage, handler, prepare), { spoils: true, ...once, ...options });

const restify: readonly Row[] = [
  restifyRow(
    "res.send, return next()",
    (_req, res, next) => {
      res.send({ a: 1 });
      return next();
    },
    { fault: "A7" },
  ),
  restifyRow(
    "res.send of what is large",
    (_req, res, next) => {
      res.send(LARGE);
      return next();
    },
    { fault: "A7" },
  ),
  restifyRow("res.redirect", (_req, res, next) => res.redirect("/elsewhere", next), { fault: "A7" }),
  restifyRow("a stream", (_req, res, next) => {
    slowStream(20)
      .pipe(res)
      .on("finish", () => next());
  }),
  restifyRow(
    "HEAD",
    (_req, res, next) => {
      res.send({ a: 1 });
      return next();
    },
    { asked: { method: "HEAD" } },
  ),
  restifyRow("next(error)", (_req, _res, next) => next(Object.assign(new Error("sorry"), { statusCode: 418 }))),
  restifyRow(
    "gzipResponse",
    (_req, res, next) => {
      res.send(LARGE);
      return next();
    },
    { asked: { headers: { "Accept-Encoding": "gzip" } }, fault: "A4" },
    (server, plugins) => server.use(plugins.gzipResponse()),
  ),
  restifyRow(
    "nothing there",
    (_req, res, next) => {
      res.send({ a: 1 });
      return next();
    },
    { asked: { path: "/nothing" }, whenSaveFails: "as bare" },
  ),
];

/** A NestJS application on Express. Its decorators are called by hand. */
async function nestWith(
  stage: Stage,
  handle: (req: any, res: any) => unknown,
  isPassthrough: boolean = true,
): Promise<App> {
  const load = exportsOf;
  load("reflect-metadata");
  const { Controller, All, Req, Res, Module } = load("@nestjs/common");
  const { NestFactory } = load("@nestjs/core");
  class Home {
    answer(req: any, res: any): unknown {
      stage.touch(req);
      return handle(req, res);
    }
  }
  Req()(Home.prototype, "answer", 0);
  Res({ passthrough: isPassthrough })(Home.prototype, "answer", 1);
  All()(Home.prototype, "answer", Object.getOwnPropertyDescriptor(Home.prototype, "answer"));
  Controller()(Home);
  class Root {}
  Module({ controllers: [Home] })(Root);
  const app = await NestFactory.create(Root, { logger: false });
  app.use(stage.session);
  await app.init();
  stage.onEnd(() => app.close());
  return createServer(app.getHttpAdapter().getInstance());
}

const nest: readonly Row[] = [
  on("NestJS, an object", (stage) => nestWith(stage, () => ({ a: 1 }))),
  on("NestJS, a large object", (stage) => nestWith(stage, () => LARGE)),
  on("NestJS, a promise", (stage) => nestWith(stage, async () => ({ a: 1 }))),
  on("NestJS, StreamableFile", (stage) =>
    nestWith(stage, () => new (exportsOf("@nestjs/common").StreamableFile)(slowStream(20))),
  ),
  on("NestJS, a redirect", (stage) => nestWith(stage, (_req, res) => res.redirect("/elsewhere"), false)),
  on("NestJS, HttpException", (stage) =>
    nestWith(stage, () => {
      throw new (exportsOf("@nestjs/common").HttpException)("teapot", 418);
    }),
  ),
  on("NestJS, HEAD", (stage) => nestWith(stage, () => LARGE), { asked: { method: "HEAD" } }),
];

export const serverPackages: readonly Row[] = [...polka, ...tinyhttp, ...nextConnects, ...h3, ...nest, ...restify];
