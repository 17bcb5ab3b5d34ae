import express from "express";
import { nodeApp } from "../frameworks.js";
import type { App, Io, Options, Row, Stage } from "../row.js";
import { exportsOf, neighbour } from "./packages.js";
import { upstream } from "./upstream.js";
import { FILES, LARGE_FILE, SMALL_FILE } from "./wrappers.js";

/** A row whose middleware answers: the session stands before it, and is used first. */
function answeredBy(name: string, make: (stage: Stage) => any, options: Omit<Options, "on"> = {}): Row {
  return {
    ...options,
    name,
    on: ["express"],
    app: (stage) => {
      const app = express();
      app.use(stage.session);
      app.use((req, _res, next) => {
        stage.touch(req);
        next();
      });
      app.use(make(stage));
      return app as unknown as App;
    },
  };
}

const serveStatic = (options?: object): any => neighbour("serve-static")(FILES, options);

const statics: readonly Row[] = [
  answeredBy("serve-static, a small file", () => serveStatic(), { asked: { path: `/${SMALL_FILE}` } }),
  answeredBy("serve-static, a large file", () => serveStatic(), { asked: { path: `/${LARGE_FILE}` } }),
  answeredBy("serve-static, immutable", () => serveStatic({ maxAge: "1y", immutable: true }), {
    asked: { path: `/${LARGE_FILE}` },
    fault: "A22",
  }),
  answeredBy("serve-static, 304", () => serveStatic(), {
    asked: { path: `/${LARGE_FILE}`, headers: { "If-None-Match": "*" } },
  }),
  answeredBy("serve-static, a range", () => serveStatic(), {
    asked: { path: `/${LARGE_FILE}`, headers: { Range: "bytes=10-99" } },
  }),
  answeredBy("serve-static, a range that is not there", () => serveStatic(), {
    asked: { path: `/${SMALL_FILE}`, headers: { Range: "bytes=99999999-" } },
  }),
  answeredBy("serve-static, HEAD", () => serveStatic(), { asked: { method: "HEAD", path: `/${LARGE_FILE}` } }),
  answeredBy("serve-static, a directory", () => serveStatic(), { asked: { path: "/storages" } }),
  answeredBy("serve-static, nothing there", () => serveStatic(), { asked: { path: "/nothing" } }),
  answeredBy(
    "serve-static, setHeaders",
    () => serveStatic({ setHeaders: (res: any) => void res.setHeader("X-File", "yes") }),
    { asked: { path: `/${SMALL_FILE}` } },
  ),
  {
    name: "serve-static before the session",
    on: ["express"],
    asked: { path: `/${LARGE_FILE}` },
    whenSaveFails: "as bare",
    app: (stage) => nodeApp(stage, ({ res }) => res.end("not reached"), { before: [serveStatic()] }),
  },
];

function proxied(name: string, options: Omit<Options, "on"> = {}, more: (stage: Stage) => object = () => ({})): Row {
  return {
    ...options,
    name: `http-proxy-middleware, ${name}`,
    on: ["express"],
    app: async (stage) => {
      const target = await upstream(stage);
      const { createProxyMiddleware } = exportsOf("http-proxy-middleware");
      const proxy = createProxyMiddleware({
        target,
        changeOrigin: true,
        logger: { info() {}, warn() {}, error() {} },
        ...more(stage),
      });
      const app = express();
      app.use(stage.session, (req: any, _res: any, next: () => void) => {
        stage.touch(req);
        next();
      });
      app.use(proxy);
      return app as unknown as App;
    },
  };
}

const intercepted = ({ note }: Stage): object => {
  const { responseInterceptor } = exportsOf("http-proxy-middleware");
  return {
    selfHandleResponse: true,
    on: {
      proxyRes: responseInterceptor(async (buffer: Buffer, _proxyRes: unknown, _req: unknown, res: any) => {
        note("intercepted");
        res.setHeader("X-Intercepted", "yes");
        return buffer.toString("utf8").toUpperCase();
      }),
    },
  };
};

const proxies: readonly Row[] = [
  proxied("a small answer", { asked: { path: "/small" } }),
  proxied("a large answer", { asked: { path: "/large" } }),
  proxied("a stream", { asked: { path: "/stream" } }),
  proxied("a body", { asked: { method: "POST", path: "/small", body: "a=1" } }),
  proxied("a redirect", { asked: { path: "/redirect" } }),
  proxied("304", { asked: { path: "/304" } }),
  proxied("HEAD", { asked: { method: "HEAD", path: "/large" } }),
  proxied("an answer that breaks off", { asked: { path: "/broken" }, isEndless: true }),
  proxied("an answer that is changed on the way", { asked: { path: "/small" } }, intercepted),
  proxied("nobody behind it", { asked: { path: "/small" } }, () => ({ target: "http://127.0.0.1:1" })),
];

const BOUNDARY = "neighbour";

function multipart(bytes: number): NonNullable<Options["asked"]> {
  const part = (name: string, more: string, value: string): string =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${value}\r\n`;
  const file = part("file", '; filename="a.txt"\r\nContent-Type: text/plain', "x".repeat(bytes));
  const body = `${part("text", "", "words")}${file}--${BOUNDARY}--\r\n`;
  return {
    method: "POST",
    path: "/",
    headers: { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` },
    body,
  };
}

/** The form that is sent to what reads multipart bodies. */
export const upload = multipart(300_000);

function uploaded(
  name: string,
  order: "before" | "after",
  limits: object = {},
  options: Pick<Options, "whenSaveFails"> = {},
): Row {
  return {
    ...options,
    name: `multer ${order} the session, ${name}`,
    on: ["express"],
    asked: upload,
    app: (stage) => {
      const multer = neighbour("multer")({ limits });
      const handler = (io: Io): unknown => {
        io.touch();
        return io.res.json({ size: io.req.file?.size, text: io.req.body?.text });
      };
      return nodeApp(stage, handler, { [order]: [multer.single("file")] });
    },
  };
}

const uploads: readonly Row[] = [
  uploaded("a file", "before"),
  uploaded("a file", "after"),
  uploaded("a file that is too large", "before", { fileSize: 1000 }),
  uploaded("a file that is too large", "after", { fileSize: 1000 }, { whenSaveFails: "as bare" }),
];

const timeout = (ms: number, options?: object): any => neighbour("connect-timeout")(ms, options);
const errorPage = (_error: any, _req: any, res: any, next: (error: unknown) => void): unknown =>
  res.headersSent ? next(_error) : res.status(_error.status ?? 500).send(`page ${_error.code}`);

/** In ms: after the handler has begun, on a busy machine too. */
const TIMES_OUT = 120;
/** Calls back shortly after the time is over. */
const whenOver = ({ req, later }: Pick<Io, "req" | "later">, then: () => void): void =>
  void req.once("timeout", () => later(5, then));

const timeouts: readonly Row[] = (["before", "after"] as const).flatMap((order): Row[] => [
  {
    name: `connect-timeout ${order} the session, it fires`,
    whenSaveFails: "last resort",
    on: ["express"],
    app: (stage) =>
      nodeApp(
        stage,
        ({ req, res, touch, later }) => {
          touch();
          whenOver({ req, later }, () => req.timedout || res.json({ a: 1 }));
        },
        { [order]: [timeout(TIMES_OUT)], last: [errorPage] },
      ),
  },
  {
    name: `connect-timeout ${order} the session, it fires and nobody looks`,
    whenSaveFails: "last resort",
    on: ["express"],
    app: (stage) =>
      nodeApp(
        stage,
        ({ req, res, touch, later, note }) => {
          touch();
          whenOver({ req, later }, () => {
            try {
              res.json({ a: 1 });
            } catch (error) {
              note("late answer", (error as { code?: string }).code);
            }
          });
        },
        { [order]: [timeout(TIMES_OUT)], last: [errorPage] },
      ),
  },
  {
    // As its timer does: a save that is slow meets it, but a real timer would meet others on a busy machine, too.
    name: `connect-timeout ${order} the session, it fires once the handler has answered`,
    whenSaveFails: "nothing",
    on: ["express"],
    app: (stage) =>
      nodeApp(
        stage,
        ({ req, res, touch, later }) => {
          touch();
          res.json({ a: 1 });
          later(1, () => req.emit("timeout", 1));
        },
        { [order]: [timeout(30_000)], last: [errorPage] },
      ),
  },
  {
    name: `connect-timeout ${order} the session, it tells and answers nothing`,
    on: ["express"],
    app: (stage) =>
      nodeApp(
        stage,
        ({ req, res, touch, later, note }) => {
          req.on("timeout", () => note("timed out"));
          touch();
          whenOver({ req, later }, () => res.json({ timedout: req.timedout }));
        },
        { [order]: [timeout(TIMES_OUT, { respond: false })] },
      ),
  },
]);

/** Limits that count what was answered, and that are asked for by session. */
const limits: readonly Row[] = (["before", "after"] as const).map((order) => ({
  name: `express-rate-limit ${order} the session, counts failures alone`,
  on: ["express"],
  volatile: ["x-ratelimit-reset", "ratelimit-reset"],
  app: (stage) => {
    const { rateLimit, MemoryStore } = exportsOf("express-rate-limit");
    const store = new MemoryStore();
    stage.onEnd(async () =>
      stage.note("hits left", ((await store.get("all")) as { totalHits: number } | undefined)?.totalHits),
    );
    const limit = rateLimit({
      limit: 5,
      validate: false,
      store,
      keyGenerator: () => "all",
      skipSuccessfulRequests: true,
    });
    return nodeApp(
      stage,
      ({ res, touch }) => {
        touch();
        res.status(201).json({ a: 1 });
      },
      { [order]: [limit] },
    );
  },
})) satisfies readonly Row[];

/** Logs at the very end, with a token that asks for the session. */
const logs: readonly Row[] = (["before", "after"] as const).flatMap((order) =>
  [false, true].map((throws) => ({
    name: `morgan ${order} the session, a token that asks for the session, ${throws ? "an error" : "an answer"}`,
    fault: "A20",
    on: ["express"] as const,
    app: (stage: Stage) => {
      const morgan = neighbour("morgan");
      morgan.token("user", (req: any) => String(stage.session.find?.(req)?.keys().length ?? "-").replace(/\d+/, "-"));
      const log = morgan(":method :url :user", {
        stream: { write: (line: string) => stage.note("log", line.trim()) },
      });
      return nodeApp(
        stage,
        ({ res, touch }) => {
          touch();
          if (throws) throw new Error("sorry");
          res.json({ a: 1 });
        },
        { [order]: [log] },
      );
    },
  })),
);

const override: Row = {
  name: "method-override before the session, a form that deletes",
  on: ["express"],
  asked: { method: "POST", path: "/?_method=DELETE", body: "a=1" },
  app: (stage) =>
    nodeApp(
      stage,
      ({ req, res, touch }) => {
        touch();
        res.send(`${req.method} of ${req.originalMethod}`);
      },
      { before: [neighbour("method-override")("_method")] },
    ),
};

const errorHandlers: readonly Row[] = ["text/html", "application/json", "text/plain"].map((type) => ({
  name: `errorhandler, ${type}`,
  whenSaveFails: "last resort",
  on: ["express"],
  asked: { headers: { Accept: type } },
  app: (stage) =>
    nodeApp(
      stage,
      ({ touch }) => {
        touch();
        throw Object.assign(new Error("sorry"), { status: 418, stack: "sorry\n  at home" });
      },
      {
        last: [
          neighbour("errorhandler")({
            log: (_error: unknown, text: string) => stage.note("logged", text.split("\n")[0]),
          }),
        ],
      },
    ),
}));

/** express-session looks at `req.session` before it does anything. */
const sessionAfter: Row = {
  name: "express-session after the session",
  on: ["express"],
  app: (stage) =>
    nodeApp(
      stage,
      ({ res, touch }) => {
        touch();
        res.json({ a: 1 });
      },
      { after: [neighbour("express-session")({ secret: "s", resave: false, saveUninitialized: false })] },
    ),
};

export const expressPackages: readonly Row[] = [
  ...statics,
  ...proxies,
  ...uploads,
  ...timeouts,
  ...limits,
  ...logs,
  override,
  ...errorHandlers,
  sessionAfter,
];
