import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { LARGE, MISSING, SMALL } from "../files.js";
import { onFastify } from "../frameworks.js";
import type { Row, Stage } from "../row.js";
import { failing, soon, touching } from "../sources.js";

type Handler = Parameters<typeof onFastify>[1];
type Own = NonNullable<Parameters<typeof onFastify>[2]>;
type Way = readonly [call: Handler, options?: Own];

const PAYLOADS: Readonly<Record<string, () => unknown>> = {
  "a text": () => "hello",
  "an empty text": () => "",
  bytes: () => Buffer.from("hello"),
  "a Uint8Array": () => new Uint8Array([104, 105]),
  "an object": () => ({ a: 1 }),
  null: () => null,
  "a number": () => 42,
  false: () => false,
  "a bigint in an object": () => ({ a: 10n }),
  "a small file": () => createReadStream(SMALL),
  "a large file": () => createReadStream(LARGE),
  "a stream of texts": () => Readable.from(["a", "b"]),
  "a web stream": () => Readable.toWeb(Readable.from([Buffer.from("a"), Buffer.from("b")])),
  "a Response": () => new Response("hello", { status: 201, headers: { "X-A": "1" } }),
  "an error": () => new Error("sorry"),
  "a file that is missing": () => createReadStream(MISSING),
  "a stream that fails at its start": () => Readable.from(failing([])),
  "a stream that fails midway": () => Readable.from(failing(["a", "b"])),
};

const FAILS = /missing|fails/;

const payloads = Object.entries(PAYLOADS).flatMap(([name, value]) => {
  const options: Own = FAILS.test(name) ? { fault: "A18", whenSaveFails: "last resort" } : {};
  return [
    onFastify(
      `return ${name}`,
      async ({ touch }) => {
        touch();
        return value();
      },
      options,
    ),
    onFastify(
      `reply.send(${name})`,
      ({ reply, touch }) => {
        touch();
        void reply.send(value());
      },
      options,
    ),
  ];
});

const WAYS: Readonly<Record<string, Way>> = {
  "reply.code(204).send()": [({ reply }) => void reply.code(204).send()],
  "reply.code(304).send()": [({ reply }) => void reply.code(304).send()],
  "reply.code(99)": [({ reply }) => void reply.code(99).send("x"), { fault: "A1" }],
  "reply.code(1000)": [({ reply }) => void reply.code(1000).send("x"), { fault: "A1" }],
  'reply.code("ENOENT")': [({ reply }) => void reply.code("ENOENT" as never).send("x"), { fault: "A1" }],
  "reply.redirect": [({ reply }) => reply.redirect("/elsewhere")],
  "reply.redirect without return, an async handler": [
    async ({ reply }) => void reply.redirect("/elsewhere"),
    { fault: "A17" },
  ],
  "reply.send without return, an async handler": [async ({ reply }) => void reply.send("x"), { fault: "A17" }],
  "reply.send, await, then return": [
    async ({ reply }) => {
      void reply.send("first");
      await soon();
      return "second";
    },
    { fault: "A17" },
  ],
  "reply.send, then return something else": [
    async ({ reply }) => {
      void reply.send("first");
      return "second";
    },
    { fault: "A17" },
  ],
  "reply.send twice": [
    ({ reply }) => {
      void reply.send("first");
      void reply.send("second");
    },
    { fault: "A17" },
  ],
  "reply.code(401).send without return, then reply.code(200).send(secret)": [
    async ({ reply }) => {
      void reply.code(401).send("no");
      await soon();
      void reply.code(200).send("secret");
    },
    { fault: "A8" },
  ],
  "reply.redirect, then reply.send": [
    async ({ reply }) => {
      void reply.redirect("/elsewhere");
      void reply.send("the page");
    },
    { fault: "A17" },
  ],
  "reply.send, then throw": [
    async ({ reply }) => {
      void reply.send("first");
      throw new Error("late");
    },
    { fault: "A17" },
  ],
  "throw an error": [
    () => {
      throw new Error("sorry");
    },
  ],
  "throw an error with statusCode 418": [
    async () => {
      throw Object.assign(new Error("teapot"), { statusCode: 418 });
    },
  ],
  "throw a text": [
    async () => {
      throw "sorry";
    },
  ],
  "reply.header of a line break": [({ reply }) => void reply.header("X-A", "a\r\nb").send("x")],
  "reply.header(name, undefined)": [({ reply }) => void reply.header("X-A", undefined).send("x")],
  "reply.headers, lists": [({ reply }) => void reply.headers({ "X-A": "1", "Set-Cookie": ["a=1", "b=2"] }).send("x")],
  "reply.type(…).send(text)": [({ reply }) => void reply.type("text/html").send("<p>x")],
  "reply.callNotFound()": [({ reply }) => void reply.callNotFound()],
  "reply.trailer": [
    ({ reply }) => {
      reply.trailer("X-Sum", async () => "1");
      void reply.send("x");
    },
  ],
  "reply.hijack, reply.raw.end": [
    ({ reply }) => {
      reply.hijack();
      reply.raw.end("raw");
    },
    { whenSaveFails: "last resort" },
  ],
  "reply.hijack, reply.raw in pieces": [
    ({ reply, later }) => {
      reply.hijack();
      reply.raw.writeHead(200, { "X-A": "1" });
      reply.raw.write("a");
      later(5, () => reply.raw.end("b"));
    },
    { whenSaveFails: "last resort" },
  ],
  "reply.raw.setHeader, then reply.send": [
    ({ reply }) => {
      reply.raw.setHeader("X-Raw", "1");
      void reply.send("x");
    },
  ],
  "reply.raw.end without hijack": [({ reply }) => void reply.raw.end("raw"), { whenSaveFails: "last resort" }],
  "reply.serializer that throws": [
    ({ reply }) =>
      void reply
        .serializer(() => {
          throw new Error("no");
        })
        .send({ a: 1 }),
  ],
  "an object of its own Content-Length": [({ reply }) => void reply.header("Content-Length", 5).send("hello")],
  "a public Cache-Control": [
    ({ reply }) => void reply.header("Cache-Control", "public, max-age=60").send("x"),
    { fault: "A22" },
  ],
  "await reply": [
    async ({ reply, note }) => {
      void reply.send("x");
      await reply;
      note("sent", reply.sent);
    },
  ],
  "reply.sent and reply.raw.headersSent after send": [
    ({ reply, note }) => {
      void reply.send("x");
      note("sent", reply.sent);
    },
  ],
  "HEAD, an object": [async () => ({ a: 1 }), { asked: { method: "HEAD" } }],
  "HEAD, a stream": [async () => createReadStream(SMALL), { asked: { method: "HEAD" } }],
  "POST JSON that is broken": [
    async () => "x",
    {
      asked: { method: "POST", headers: { "Content-Type": "application/json" }, body: "{" },
      whenSaveFails: "as bare",
    },
  ],
};

const ways = Object.entries(WAYS).map(([name, [call, options]]) => onFastify(name, touching(call), options));

/** An application's hooks and handlers around a route that answers "x". */
function hooked(name: string, prepare: (app: any, stage: Stage) => unknown, options: Own = {}): Row {
  return onFastify(
    name,
    async ({ touch }) => {
      touch();
      return "x";
    },
    { ...options, prepare },
  );
}

const hooks: readonly Row[] = [
  hooked(
    "an async guard that sends without return",
    (app, stage) =>
      app.addHook("preHandler", async (request: any, reply: any) => {
        stage.touch(request);
        reply.code(401).send("no");
      }),
    { fault: "A17" },
  ),
  hooked(
    "an async guard that redirects without return",
    (app, stage) =>
      app.addHook("preHandler", async (request: any, reply: any) => {
        stage.touch(request);
        reply.redirect("/login");
      }),
    { fault: "A17" },
  ),
  hooked("an async guard that returns reply", (app, stage) =>
    app.addHook("preHandler", async (request: any, reply: any) => {
      stage.touch(request);
      return reply.code(401).send("no");
    }),
  ),
  hooked("a guard with done(error)", (app, stage) =>
    app.addHook("preHandler", (request: any, _reply: unknown, done: (error: Error) => void) => {
      stage.touch(request);
      done(new Error("no"));
    }),
  ),
  hooked(
    "an onSend hook that changes the payload",
    (app) => app.addHook("onSend", async (_request: unknown, _reply: unknown, payload: string) => `[${payload}]`),
    { whenSaveFails: "last resort" },
  ),
  hooked(
    "an onSend hook that throws once",
    (app) => {
      let isFirst = true;
      app.addHook("onSend", async (_request: unknown, _reply: unknown, payload: string) => {
        if (!isFirst) return payload;
        isFirst = false;
        throw new Error("in onSend");
      });
    },
    { whenSaveFails: "last resort" },
  ),
  hooked("an onSend hook that sets headers", (app) =>
    app.addHook("onSend", async (_request: unknown, reply: any) => void reply.header("X-Hook", "1")),
  ),
  hooked(
    "an onResponse hook that uses the session",
    (app, stage) => app.addHook("onResponse", async (request: any) => void stage.touch(request)),
    { fault: "A27" },
  ),
  ...errorHandlers(),
];

function errorHandlers(): Row[] {
  const handlers: Readonly<Record<string, (error: any, request: unknown, reply: any) => unknown>> = {
    "answers 200": (_error, _request, reply) => reply.code(200).send("an error page"),
    redirects: (_error, _request, reply) => reply.redirect("/sorry"),
    "answers later": async (_error, _request, reply) => {
      await soon();
      return reply.code(500).send("later");
    },
    throws: () => {
      throw new Error("in the error handler");
    },
    "sends the error on": (error, _request, reply) => reply.send(error),
  };
  return Object.entries(handlers).flatMap(([name, handler]) => [
    onFastify(
      `throw, and an error handler that ${name}`,
      ({ touch }) => {
        touch();
        throw new Error("sorry");
      },
      { whenSaveFails: "last resort", prepare: (app) => app.setErrorHandler(handler) },
    ),
    hooked(`return "x", and an error handler that ${name}`, (app) => app.setErrorHandler(handler)),
  ]);
}

/** Fastify's own ways. */
export const fastifyWays: readonly Row[] = [...payloads, ...ways, ...hooks];
