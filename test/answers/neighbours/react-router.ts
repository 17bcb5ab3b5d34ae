import express from "express";
import type { App, Row, Stage } from "../row.js";
import { exportsOf } from "./packages.js";

const handlerOf = (build: object) =>
  exportsOf("@react-router/express").createRequestHandler({ build, mode: "production" });

/** React Router's adapter, with a build made by hand: resource routes, and a page. */
export const reactRouter: readonly Row[] = [
  { path: "/small", method: "GET" },
  { path: "/stream", method: "GET" },
  { path: "/redirect", method: "GET" },
  { path: "/headers", method: "GET" },
  { path: "/thrown", method: "GET" },
  { path: "/nothing", method: "GET" },
  { path: "/small", method: "HEAD" },
  { path: "/events", method: "GET" },
].map(({ path, method }) => ({
  fault: "A4",
  name: `@react-router/express, ${method} ${path}`,
  on: ["express"],
  asked: { path, method },
  app: (stage: Stage) => {
    const app = express();
    app.use(stage.session);
    app.all("/*all", (req: any, res: any, next: any) => {
      stage.touch(req);
      return handlerOf(routerBuild())(req, res, next);
    });
    return app as unknown as App;
  },
}));

const ENCODER = new TextEncoder();

function webStream(pieces: readonly string[]): ReadableStream<Uint8Array> {
  const left = [...pieces];
  return new ReadableStream({
    async pull(controller) {
      await new Promise(setImmediate);
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(ENCODER.encode(piece));
    },
  });
}

const LOADERS: Readonly<Record<string, () => Response>> = {
  small: () => Response.json({ a: 1 }),
  stream: () => new Response(webStream(Array.from({ length: 30 }, (_, i) => String(i).repeat(9000)))),
  redirect: () => new Response(null, { status: 302, headers: { Location: "/small" } }),
  headers: () =>
    new Response("text", {
      status: 201,
      headers: [
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
        ["X-A", "b"],
      ],
    }),
  events: () =>
    new Response(webStream(["data: one\n\n", "data: two\n\n"]), { headers: { "Content-Type": "text/event-stream" } }),
  thrown: () => {
    throw new Response("not here", { status: 404 });
  },
};

function routerBuild(): object {
  const routes = Object.fromEntries(
    Object.entries(LOADERS).map(([id, loader]) => [id, { id, path: id, module: { loader } }]),
  );
  return {
    routes,
    entry: {
      module: {
        default: (_request: unknown, status: number, headers: Headers) => new Response("a page", { status, headers }),
      },
    },
    assets: { entry: { imports: [], module: "" }, routes: {}, url: "", version: "1" },
    publicPath: "/",
    assetsBuildDirectory: "",
    future: {},
    ssr: true,
    isSpaMode: false,
    prerender: [],
    routeDiscovery: { mode: "initial", manifestPath: "/__manifest" },
  };
}
