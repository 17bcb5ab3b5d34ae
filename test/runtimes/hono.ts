/** The ways in which a Hono application answers, among its own middlewares, bare and with a session. */
import { session, type SessionEnv } from "holdfast/hono";
import { memoryStorage } from "holdfast/storage/memory";
import { Hono, type Context, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { compress } from "hono/compress";
import { cors } from "hono/cors";
import { csrf } from "hono/csrf";
import { etag } from "hono/etag";
import { HTTPException } from "hono/http-exception";
import { logger } from "hono/logger";
import { poweredBy } from "hono/powered-by";
import { secureHeaders } from "hono/secure-headers";
import { stream, streamSSE, streamText } from "hono/streaming";
import { timeout } from "hono/timeout";
import { timing } from "hono/timing";

interface Data {
  n: number;
}

type Env = SessionEnv<Data>;
type Way = (c: Context<Env>) => Response | Promise<Response>;

const LONG = "a text that is worth compressing. ".repeat(100);
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How handlers answer. Those whose name begins with "stream" may be framed as the runtime likes. */
export const WAYS: Readonly<Record<string, Way>> = {
  "c.text": (c) => c.text("text"),
  "c.text, long": (c) => c.text(LONG),
  "c.text with a status and headers": (c) => c.text("text", 201, { "X-Own": "1" }),
  "c.json": (c) => c.json({ a: 1 }),
  "c.html": (c) => c.html("<p>html</p>"),
  "c.html of a promise": (c) => c.html(Promise.resolve("<p>html</p>")),
  "c.body(text)": (c) => c.body("text"),
  "c.body(bytes)": (c) => c.body(new TextEncoder().encode("bytes")),
  "c.body(null)": (c) => c.body(null, 204),
  "stream, c.body": (c) => c.body(new Blob(["blob"]).stream() as ReadableStream),
  "c.redirect": (c) => c.redirect("/next", 303),
  "c.notFound": async (c) => c.notFound(),
  "c.header before": (c) => (c.header("X-Own", "1"), c.text("text")),
  "c.header and a cookie": (c) => (c.header("Set-Cookie", "theme=dark", { append: true }), c.json({ a: 1 })),
  "c.status and c.body": (c) => (c.status(202), c.body("text")),
  "c.res assigned": (c) => (
    (c.res = new Response("own", { headers: { "X-Own": "1", "Content-Type": "text/css" } })),
    c.res
  ),
  "a Response": () => new Response("own", { headers: { "Content-Type": "text/css" } }),
  "a Response without a type": () => new Response("own", { headers: { "X-Own": "1" } }),
  "Response.json": () => Response.json({ a: 1 }),
  "Response.redirect": () => Response.redirect("http://localhost/next", 303),
  FormData: () => {
    const fields = new FormData();
    fields.set("a", "1");
    return new Response(fields);
  },
  HTTPException: () => {
    throw new HTTPException(418, { message: "a teapot" });
  },
  "HTTPException with an answer": () => {
    throw new HTTPException(401, {
      res: new Response("who?", {
        status: 401,
        headers: { "WWW-Authenticate": "Basic", "Content-Type": "text/css" },
      }),
    });
  },
  "an error": () => {
    throw new Error("thrown by the handler");
  },
  "stream, streamText": (c) =>
    streamText(c, async (out) => (await out.write("one "), await out.sleep(3), void (await out.write("two")))),
  "stream, streamSSE": (c) =>
    streamSSE(
      c,
      async (out) => (await out.writeSSE({ data: "1", event: "e" }), await sleep(3), out.writeSSE({ data: "2" })),
    ),
  "stream, stream": (c) => stream(c, async (out) => void (await out.write(new TextEncoder().encode("bytes")))),
};

const later: MiddlewareHandler = async (c, next) => {
  await next();
  c.header("X-Later", "1");
};

/** An answer is replaced once it is there. */
const replacing: MiddlewareHandler = async (c, next) => {
  await next();
  const { status, headers } = c.res;
  const text = await c.res.text();
  c.res = undefined;
  c.res = new Response(`${text}!`, { status, headers });
};

const around: Readonly<Record<string, () => MiddlewareHandler>> = {
  bodyLimit: () => bodyLimit({ maxSize: 1000 }),
  compress: () => compress(),
  cors: () => cors({ origin: "http://localhost", credentials: true }),
  csrf: () => csrf(),
  etag: () => etag(),
  later: () => later,
  logger: () => logger(() => {}),
  poweredBy: () => poweredBy(),
  replacing: () => replacing,
  secureHeaders: () => secureHeaders(),
  timeout: () => timeout(5000),
  timing: () => timing({ total: false }),
};

/** Which middleware stands before the session, and which after it. */
export const ORDERS: Readonly<Record<string, readonly [before: readonly string[], after: readonly string[]]>> = {
  alone: [[], []],
  ...Object.fromEntries(
    Object.keys(around).flatMap((name) => [
      [`${name} before`, [[name], []]] as const,
      [`${name} after`, [[], [name]]] as const,
    ]),
  ),
  "many before": [["logger", "compress", "etag", "secureHeaders", "later"], []],
  "many after": [[], ["logger", "compress", "etag", "secureHeaders", "later"]],
};

/** How an application is put together: routes of its own, or of an application inside it. */
const MADE = { own: "own", route: "route", mount: "mount" } as const;

const sessions = session<Data>({ storage: memoryStorage() });
const apps = new Map<string, Hono<Env>>();

/** `/honoMADE-bare/ORDER/ACT/WAY` and `/honoMADE-usual/…`. */
export function honoHandler(where: string, request: Request, ...rest: unknown[]): Response | Promise<Response> {
  const [, , order = ""] = new URL(request.url).pathname.split("/");
  const key = `${where} ${order}`;
  const app = apps.get(key) ?? made(where, decodeURIComponent(order));
  apps.set(key, app);
  return app.fetch(request, ...(rest as [object]));
}

function made(where: string, order: string): Hono<Env> {
  const [before, after] = ORDERS[order]!;
  const [kind, place] = where.slice("hono".length).split("-") as [keyof typeof MADE | "", string];
  const app = new Hono<Env>();
  app.onError((error, c) =>
    error instanceof HTTPException ? error.getResponse() : c.text(`sorry: ${error.message}`, 500),
  );
  for (const name of before) app.use(around[name]!());
  if (place !== "bare") app.use(sessions);
  for (const name of after) app.use(around[name]!());
  const answering: Way = async (c) => {
    const [, , , act = "", way = ""] = new URL(c.req.raw.url).pathname.split("/").map(decodeURIComponent);
    const own = place === "bare" ? undefined : sessions.get(c);
    if (act === "read") own?.get("n");
    if (act === "write") own?.update("n", (n = 0) => n + 1);
    return WAYS[way]!(c);
  };
  if (kind === "mount")
    app.mount(
      "/",
      (request) =>
        new Response(`mounted ${new URL(request.url).pathname.length > 0}`, {
          headers: { "Content-Type": "text/css" },
        }),
    );
  else if (kind === "route") app.route("/", new Hono<Env>().all("*", answering));
  else app.all("*", answering);
  return app;
}
