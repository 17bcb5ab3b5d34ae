import makeFastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { App, Options, Row, Stage } from "../row.js";
import { upload } from "./express.js";
import { neighbour } from "./packages.js";
import { upstream } from "./upstream.js";
import { brokenStream, FILES, LARGE, LARGE_FILE, slowStream, SMALL_FILE } from "./wrappers.js";

type Handler = (request: any, reply: any, stage: Stage) => unknown;
type Prepare = (app: any, stage: Stage) => unknown;

interface Plan {
  readonly before?: Prepare;
  readonly after?: Prepare;
  /** Every method and path, where the plugins have no routes of their own. */
  readonly handler?: Handler;
}

/** A Fastify application with plugins before and after the session's. Every request uses it. */
export async function fastifyWith(stage: Stage, { before, after, handler }: Plan): Promise<App> {
  const app = makeFastify({ forceCloseConnections: true }) as unknown as FastifyInstance;
  stage.onEnd(() => app.close());
  await before?.(app, stage);
  await app.register(stage.session);
  app.addHook("preHandler", (request: FastifyRequest, _reply: FastifyReply, done) => {
    stage.touch(request);
    done();
  });
  await after?.(app, stage);
  if (handler) app.all("/*", (request, reply) => handler(request, reply, stage));
  await app.ready();
  return app.server as App;
}

const on = (name: string, plan: Plan, options: Omit<Options, "on"> = {}): Row => ({
  ...options,
  name,
  on: ["fastify"],
  app: (stage) => fastifyWith(stage, plan),
});

const GZIP = { headers: { "Accept-Encoding": "gzip" } };

const COMPRESSED: Readonly<Record<string, { handler: Handler } & Omit<Options, "on">>> = {
  "a small object": { handler: () => ({ a: 1 }) },
  "a large object": { handler: () => LARGE },
  "a stream": { handler: (_request, reply) => reply.type("text/plain").send(slowStream(20)) },
  "a stream that breaks at once": {
    handler: (_request, reply) => reply.type("text/plain").send(brokenStream()),
    fault: "A18",
  },
  "a stream that breaks later": {
    handler: (_request, reply) => reply.type("text/plain").send(brokenStream(reply.raw)),
    fault: "A18",
  },
  "a web response": {
    handler: (_request, reply) =>
      reply.send(
        new Response("hello", { status: 401, headers: { "Content-Type": "text/plain", "Set-Cookie": "a=b" } }),
      ),
  },
  "reply.compress": { handler: (_request, reply) => reply.compress(JSON.stringify(LARGE)) },
  "a redirect": { handler: (_request, reply) => reply.redirect("/elsewhere") },
  "304": { handler: (_request, reply) => reply.code(304).send() },
  HEAD: { handler: () => LARGE, asked: { ...GZIP, method: "HEAD" } },
  "an error": { handler: () => Promise.reject(new Error("sorry")) },
  "an answer that nobody returns": {
    handler: async (_request, reply, { later }) => {
      later(3, () => reply.send(LARGE));
      return reply;
    },
    fault: "A17",
  },
};

const compress = (app: any): unknown =>
  app.register(neighbour("@fastify/compress"), { threshold: 0, encodings: ["gzip"] });

const compressed: readonly Row[] = (["before", "after"] as const).flatMap((order) =>
  Object.entries(COMPRESSED).map(([what, { handler, ...options }]) =>
    on(
      `@fastify/compress ${order} the session, ${what}`,
      { [order]: compress, handler },
      { asked: GZIP, ...options },
    ),
  ),
);

const statics =
  (more: object = {}): Prepare =>
  (app) =>
    app.register(neighbour("@fastify/static"), { root: FILES, ...more });

const filesOf = (order: "before" | "after"): readonly Row[] => {
  const row = (what: string, asked: Options["asked"], options: object = {}, handler?: Handler): Row =>
    on(
      `@fastify/static ${order} the session, ${what}`,
      { [order]: statics({ ...options, ...(handler && { serve: false }) }), ...(handler && { handler }) },
      { asked },
    );
  return [
    row("a small file", { path: `/${SMALL_FILE}` }),
    row("a large file", { path: `/${LARGE_FILE}` }),
    row("immutable", { path: `/${LARGE_FILE}` }, { maxAge: "1y", immutable: true }),
    row("304", { path: `/${LARGE_FILE}`, headers: { "If-None-Match": "*" } }),
    row("a range", { path: `/${LARGE_FILE}`, headers: { Range: "bytes=10-99" } }),
    row("HEAD", { path: `/${LARGE_FILE}`, method: "HEAD" }),
    row("nothing there", { path: "/nothing" }),
    row("reply.sendFile", { path: "/" }, {}, (_request, reply) => reply.sendFile(LARGE_FILE)),
    row("reply.download", { path: "/" }, {}, (_request, reply) => reply.download(SMALL_FILE, "a.md")),
  ];
};

const multipart = (app: any): unknown =>
  app.register(neighbour("@fastify/multipart"), { limits: { fileSize: 1_000_000 } });

const uploads: readonly Row[] = (["before", "after"] as const).flatMap((order): Row[] => [
  on(
    `@fastify/multipart ${order} the session, request.file`,
    {
      [order]: multipart,
      handler: async (request) => {
        const file = await request.file();
        return { size: (await file.toBuffer()).length, text: file.fields.text?.value };
      },
    },
    { asked: upload },
  ),
  on(
    `@fastify/multipart ${order} the session, every part`,
    {
      [order]: multipart,
      handler: async (request) => {
        const parts: string[] = [];
        for await (const part of request.parts())
          parts.push(part.type === "file" ? `${(await part.toBuffer()).length}` : String(part.value));
        return parts;
      },
    },
    { asked: upload },
  ),
  on(
    `@fastify/multipart ${order} the session, no multipart body`,
    { [order]: multipart, handler: async (request) => request.file() },
    { asked: { method: "POST", body: "a=1", headers: { "Content-Type": "text/plain" } } },
  ),
]);

const proxy = (order: "before" | "after", path: string, more: Partial<Options> = {}): Row =>
  on(
    `@fastify/http-proxy ${order} the session, ${more.asked?.method ?? "GET"} ${path}`,
    {
      [order]: async (app: any, stage: Stage) =>
        app.register(neighbour("@fastify/http-proxy"), {
          upstream: path === "/nobody" ? "http://127.0.0.1:1" : await upstream(stage),
          prefix: "/",
        }),
    },
    { ...more, asked: { path, ...more.asked }, fault: "A18" },
  );

const proxies: readonly Row[] = (["before", "after"] as const).flatMap((order): Row[] => [
  proxy(order, "/small"),
  proxy(order, "/large"),
  proxy(order, "/stream"),
  proxy(order, "/redirect"),
  proxy(order, "/304"),
  proxy(order, "/nobody"),
  proxy(order, "/large", { asked: { method: "HEAD" } }),
]);

export const fastifyPackages: readonly Row[] = [
  ...compressed,
  ...filesOf("before"),
  ...filesOf("after"),
  ...uploads,
  ...proxies,
];
