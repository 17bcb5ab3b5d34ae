import { Hono } from "hono";
import { handle as onLambda, streamHandle } from "hono/aws-lambda";
import { handle as onLambdaEdge } from "hono/lambda-edge";
import { handle as onNetlify } from "hono/netlify";
import { handle as onVercel } from "hono/vercel";
import { startStory, type Served } from "../../runtimes/start.js";
import type { Framework, RunningApp } from "../framework.js";
import { serveEvents, serveStreamed, type Invoke } from "./aws-events.js";
import { serveFetch } from "./fetch.js";
import { honoApp } from "./fetch-app.js";

const lambda = (): Invoke => onLambda(honoApp(Hono)) as Invoke;

/** Where Hono runs besides Node: a runtime's own server, or a handle of Hono in front of events. */
const RUNTIMES: Readonly<Record<string, () => Promise<RunningApp>>> = {
  bun: () => served("bun"),
  deno: () => served("deno"),
  workerd: () => served("workerd"),
  "aws-lambda": () => serveEvents("v2", lambda()),
  "aws-lambda-rest": () => serveEvents("v1", lambda()),
  "aws-lambda-alb": () => serveEvents("alb", lambda()),
  "aws-lambda-stream": () => serveStreamed(() => streamHandle(honoApp(Hono)) as never),
  "lambda-edge": () => serveEvents("edge", onLambdaEdge(honoApp(Hono)) as Invoke),
  vercel: () => serveFetch(onVercel(honoApp(Hono)) as never),
  netlify() {
    const handler = onNetlify(honoApp(Hono)) as (request: Request, context: object) => Promise<Response>;
    return serveFetch((request) => handler(request, { site: { id: "site" }, requestId: "id" }));
  },
};

async function served(runtime: "bun" | "deno" | "workerd"): Promise<RunningApp> {
  const { port, close }: Served = await startStory(runtime);
  return { origin: `http://127.0.0.1:${port}`, close };
}

/** Hono on everything else that it runs on. */
export const honoRuntimes: Framework = {
  name: "hono on",
  versions: Object.keys(RUNTIMES),
  start: (runtime) => RUNTIMES[runtime]!(),
};
