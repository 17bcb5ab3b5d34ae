import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { Context } from "koa";
import { koaApp, type Around } from "../frameworks.js";
import type { Options, Row, Stage } from "../row.js";
import { exportsOf, neighbour } from "./packages.js";
import { brokenStream, FILES, LARGE, LARGE_FILE, slowStream, SMALL_FILE } from "./wrappers.js";

type Handler = (ctx: Context & Record<string, any>) => unknown;
type Order = "before" | "after";

function on(
  name: string,
  handler: Handler,
  around: (stage: Stage) => Around,
  options: Omit<Options, "on"> = {},
): Row {
  const app: Row["app"] = (stage) =>
    koaApp(
      stage,
      (ctx) => {
        stage.touch(ctx);
        return handler(ctx as never);
      },
      around(stage),
    );
  return { ...options, name, on: ["koa"], app };
}

const GZIP = { headers: { "Accept-Encoding": "gzip" } };

const COMPRESSED: Readonly<Record<string, { handler: Handler } & Omit<Options, "on">>> = {
  "a small object": { handler: (ctx) => (ctx.body = { a: 1 }) },
  "a large object": { handler: (ctx) => (ctx.body = LARGE) },
  "a text": { handler: (ctx) => (ctx.body = "hello ".repeat(500)) },
  "a stream": {
    handler: (ctx) => {
      ctx.type = "text/plain";
      ctx.body = slowStream(20);
    },
  },
  "a stream that breaks at once": {
    handler: (ctx) => {
      ctx.type = "text/plain";
      ctx.body = brokenStream();
    },
    fault: "A18",
    isEndless: true,
  },
  "a stream that breaks later": {
    handler: (ctx) => {
      ctx.type = "text/plain";
      ctx.body = brokenStream(ctx.res);
    },
    fault: "A18",
    isEndless: true,
  },
  "a file": {
    handler: (ctx) => {
      ctx.type = "text/plain";
      ctx.body = createReadStream(join(FILES, LARGE_FILE));
    },
  },
  "a web response": {
    handler: (ctx) => (ctx.body = new Response("hello ".repeat(500), { headers: { "Content-Type": "text/plain" } })),
  },
  "a redirect": { handler: (ctx) => ctx.redirect("/elsewhere") },
  "304": {
    handler: (ctx) => {
      ctx.body = "hello";
      ctx.etag = "a";
      if (ctx.fresh) ctx.status = 304;
    },
    asked: { headers: { ...GZIP.headers, "If-None-Match": '"a"' } },
  },
  HEAD: { handler: (ctx) => (ctx.body = LARGE), asked: { ...GZIP, method: "HEAD" } },
  "an error": { handler: (ctx) => ctx.throw(418, "teapot") },
};

const compressed: readonly Row[] = (["before", "after"] as const).flatMap((order) =>
  Object.entries(COMPRESSED).map(([what, { handler, ...options }]) =>
    on(
      `koa-compress ${order} the session, ${what}`,
      handler,
      () => ({ [order]: [neighbour("koa-compress")({ threshold: 0, br: false, zstd: false })] }),
      { asked: GZIP, ...options },
    ),
  ),
);

/** What stands before the session never uses it, so nothing of it can fail. */
const files = (order: Order, what: string, asked: Options["asked"], options: object = {}): Row =>
  on(
    `koa-static ${order} the session, ${what}`,
    (ctx) => (ctx.body = "not a file"),
    () => ({ [order]: [neighbour("koa-static")(FILES, options)] }),
    { asked, ...(asked?.path !== "/nothing" && { whenSaveFails: "as bare" }) },
  );

const statics: readonly Row[] = (["before", "after"] as const).flatMap((order): Row[] => [
  files(order, "a small file", { path: `/${SMALL_FILE}` }),
  files(order, "a large file", { path: `/${LARGE_FILE}` }),
  files(order, "immutable", { path: `/${LARGE_FILE}` }, { maxage: 31_536_000_000, immutable: true }),
  files(order, "HEAD", { path: `/${LARGE_FILE}`, method: "HEAD" }),
  files(order, "nothing there", { path: "/nothing" }),
]);

const sends: readonly Row[] = [
  on(
    "koa-send",
    (ctx) => neighbour("koa-send")(ctx, LARGE_FILE, { root: FILES }),
    () => ({}),
  ),
  on(
    "koa-send, HEAD",
    (ctx) => neighbour("koa-send")(ctx, LARGE_FILE, { root: FILES }),
    () => ({}),
    { asked: { method: "HEAD" } },
  ),
  on(
    "koa-send, nothing there",
    (ctx) => neighbour("koa-send")(ctx, "nothing", { root: FILES }),
    () => ({}),
  ),
];

const routed = (name: string, path: string, method: string = "GET"): Row => ({
  name: `${name}, ${method} ${path}`,
  on: ["koa"],
  asked: { path, method },
  app: (stage) => {
    const loaded = exportsOf(name);
    const Router = loaded.Router ?? loaded.default ?? loaded;
    const router = new Router();
    router.get("/a/:id", (ctx: any) => {
      stage.touch(ctx);
      ctx.body = { id: ctx.params.id };
    });
    router.get("/b", (ctx: any) => {
      stage.touch(ctx);
      ctx.redirect("/a/1");
    });
    return koaApp(stage, () => {}, { after: [router.routes(), router.allowedMethods()] });
  },
});

const routers: readonly Row[] = ["koa-router", "@koa/router"].flatMap((name) => [
  routed(name, "/a/7"),
  routed(name, "/b"),
  routed(name, "/a/7", "HEAD"),
  { ...routed(name, "/a/7", "PUT"), whenSaveFails: "as bare" },
  { ...routed(name, "/nothing"), whenSaveFails: "as bare" },
]);

export const koaPackages: readonly Row[] = [...compressed, ...statics, ...sends, ...routers];
