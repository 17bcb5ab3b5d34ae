import { serveStatic } from "@hono/node-server/serve-static";
import { compress } from "hono/compress";
import { csrf } from "hono/csrf";
import { etag } from "hono/etag";
import type { Context, MiddlewareHandler } from "hono";
import { logger } from "hono/logger";
import { secureHeaders } from "hono/secure-headers";
import { streamText } from "hono/streaming";
import { timeout } from "hono/timeout";
import { honoApp } from "../frameworks.js";
import { ROOT } from "../files.js";
import type { Options, Row, Stage } from "../row.js";
import { LARGE } from "./wrappers.js";

interface Way extends Omit<Options, "on"> {
  handle(c: Context): Response | Promise<Response>;
}

const WAYS: Readonly<Record<string, Way>> = {
  "small json": { handle: (c) => c.json({ a: 1 }) },
  "large json": { handle: (c) => c.json(LARGE) },
  text: { handle: (c) => c.text("hello ".repeat(500)) },
  html: { handle: (c) => c.html("<p>hello</p>".repeat(200)) },
  "a stream": {
    handle: (c) =>
      streamText(c, async (stream) => {
        for (let i = 0; i < 20; i++) await stream.write(`${String(i).repeat(9000)}\n`);
      }),
  },
  "a web response": {
    handle: () =>
      new Response("hello ".repeat(500), {
        status: 201,
        headers: [
          ["Content-Type", "text/plain"],
          ["Set-Cookie", "a=1"],
          ["Set-Cookie", "b=2"],
        ],
      }),
  },
  "a redirect": { handle: (c) => c.redirect("/elsewhere") },
  "no content": { handle: (c) => c.body(null, 204) },
  HEAD: { handle: (c) => c.json(LARGE), asked: { method: "HEAD" } },
  "an error": {
    handle: () => {
      throw new Error("sorry");
    },
  },
  "an answer after an await": {
    handle: async (c) => {
      await new Promise(setImmediate);
      return c.text("hello");
    },
  },
};

const WRAPPERS: Readonly<Record<string, (stage: Stage) => MiddlewareHandler>> = {
  "hono/compress": () => compress(),
  "hono/etag": () => etag(),
  "hono/logger": ({ note }) => logger((line) => note("log", line.replace(/ \S*m?s$/, ""))),
  "hono/timeout": () => timeout(5000),
  "hono/secure-headers": () => secureHeaders(),
  "hono/csrf": () => csrf(),
};

const GZIP = { "Accept-Encoding": "gzip" };

const wrapped: readonly Row[] = Object.keys(WRAPPERS).flatMap((name) =>
  (["before", "after"] as const).flatMap((order) => Object.keys(WAYS).map((what) => row(name, order, what))),
);

function row(name: string, order: "before" | "after", what: string): Row {
  const { handle, asked = {}, ...options } = WAYS[what]!;
  const handler =
    (stage: Stage) =>
    (c: Context): unknown => {
      stage.touch(c);
      return handle(c);
    };
  return {
    ...options,
    name: `${name} ${order} the session, ${what}`,
    on: ["hono"],
    asked: { ...asked, headers: { ...GZIP, ...asked.headers } },
    app: (stage) => honoApp(stage, handler(stage), { [order]: [WRAPPERS[name]!(stage)] }),
  };
}

const text =
  (stage: Stage) =>
  (c: Context): Response => {
    stage.touch(c);
    return c.text("hello");
  };

const more: readonly Row[] = (["before", "after"] as const).flatMap((order): Row[] => [
  {
    name: `hono/etag ${order} the session, 304`,
    on: ["hono"],
    asked: { headers: { "If-None-Match": '"aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"' } },
    app: (stage) => honoApp(stage, text(stage), { [order]: [etag()] }),
  },
  {
    name: `hono/csrf ${order} the session, another site's form`,
    fault: "B1",
    on: ["hono"],
    asked: {
      method: "POST",
      body: "a=1",
      headers: { Origin: "http://elsewhere.example", "Content-Type": "application/x-www-form-urlencoded" },
    },
    whenSaveFails: "as bare",
    app: (stage) => honoApp(stage, text(stage), { [order]: [csrf()] }),
  },
  {
    name: `hono/csrf ${order} the session, this site's form`,
    on: ["hono"],
    asked: {
      method: "POST",
      body: "a=1",
      headers: { Origin: "http://localhost", "Content-Type": "application/x-www-form-urlencoded" },
    },
    app: (stage) => honoApp(stage, text(stage), { [order]: [csrf()] }),
  },
  {
    name: `hono/timeout ${order} the session, it fires`,
    fault: "B1",
    on: ["hono"],
    app: (stage) =>
      honoApp(
        stage,
        async (c) => {
          stage.touch(c);
          await new Promise((resolve) => stage.later(30, () => resolve(undefined)));
          return c.text("too late");
        },
        { [order]: [timeout(10)] },
      ),
  },
]);

/** Files that Hono's server sends. The session is used before, as by a guard. */
const FILES: Readonly<Record<string, Options["asked"]>> = {
  "a small file": { path: "/LICENSE" },
  "a large file": { path: "/package-lock.json" },
  HEAD: { method: "HEAD", path: "/LICENSE" },
  "a range": { path: "/LICENSE", headers: { Range: "bytes=5-9" } },
  "a path that climbs": { path: "/..%2f..%2fetc/passwd" },
  "nothing there": { path: "/nothing" },
};

const files: readonly Row[] = (["before", "after"] as const).flatMap((order) =>
  Object.entries(FILES).map(
    ([what, asked = {}]): Row => ({
      name: `serveStatic ${order} the session, ${what}`,
      on: ["hono"],
      asked,
      whenSaveFails: order === "before" ? "as bare" : "error path",
      app: (stage) => {
        const guard = async (c: Context, next: () => Promise<void>): Promise<void> => {
          stage.touch(c);
          await next();
        };
        const all: MiddlewareHandler[] = [guard, serveStatic({ root: ROOT })];
        return honoApp(
          stage,
          (c) => c.text("no file"),
          order === "before" ? { before: [serveStatic({ root: ROOT })] } : { after: all },
        );
      },
    }),
  ),
);

export const honoPackages: readonly Row[] = [...wrapped, ...more, ...files];
