import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { nodeApp } from "../frameworks.js";
import type { App, Io, Options, Row } from "../row.js";
import { neighbour } from "./packages.js";
import { FILES, LARGE, LARGE_FILE, slowStream } from "./wrappers.js";

/** What a function is called with, as far as the adapters read it. */
type Event = Readonly<Record<string, unknown>>;

/** What a function answers. */
interface Result {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly cookies?: readonly string[];
  readonly body: string;
  readonly isBase64Encoded?: boolean;
}

const EVENTS: Readonly<Record<string, (req: IncomingMessage, body: string) => Event>> = {
  "API Gateway 1": (req, body) => ({
    httpMethod: req.method,
    path: req.url,
    headers: flat(req),
    multiValueHeaders: Object.fromEntries(Object.entries(flat(req)).map(([name, value]) => [name, [value]])),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    requestContext: { identity: { sourceIp: "127.0.0.1" }, stage: "prod" },
    body,
    isBase64Encoded: false,
  }),
  "API Gateway 2": (req, body) => ({
    version: "2.0",
    routeKey: "$default",
    rawPath: req.url,
    rawQueryString: "",
    cookies: req.headers.cookie?.split("; ") ?? [],
    headers: flat(req),
    requestContext: {
      http: { method: req.method, path: req.url, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "a" },
      stage: "$default",
    },
    body,
    isBase64Encoded: false,
  }),
  ALB: (req, body) => ({
    httpMethod: req.method,
    path: req.url,
    multiValueHeaders: Object.fromEntries(Object.entries(flat(req)).map(([name, value]) => [name, [value]])),
    ...(req.headers["x-adapter"] === "serverless-http" && { headers: {} }),
    multiValueQueryStringParameters: {},
    requestContext: { elb: { targetGroupArn: "arn:a" }, identity: { sourceIp: "127.0.0.1" } },
    body,
    isBase64Encoded: false,
  }),
};

function flat(req: IncomingMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(req.headers).map(([name, value]) => [name, String(value)]));
}

const ADAPTERS: Readonly<Record<string, (app: App) => (event: Event, context: object) => Promise<Result>>> = {
  "serverless-http": (app) => neighbour("serverless-http")(app),
  "@codegenie/serverless-express": (app) =>
    neighbour("@codegenie/serverless-express")({ app, logSettings: { level: "error" } }),
};

/** Answers what a function answered, as the gateway would. */
function send(
  res: ServerResponse,
  { statusCode, headers = {}, multiValueHeaders = {}, cookies = [], body, isBase64Encoded }: Result,
): void {
  const all = new Map<string, readonly string[]>(Object.entries(headers).map(([name, value]) => [name, [value]]));
  for (const [name, values] of Object.entries(multiValueHeaders)) all.set(name, values);
  if (cookies.length > 0) all.set("set-cookie", cookies);
  for (const [name, values] of all)
    if (!/^(content-length|transfer-encoding|connection|date)$/i.test(name)) res.setHeader(name, [...values]);
  res.writeHead(statusCode);
  res.end(Buffer.from(body, isBase64Encoded ? "base64" : "utf8"));
}

const WAYS: Readonly<
  Record<string, { answer(io: Io): unknown; before?: () => readonly any[] } & Omit<Options, "on">>
> = {
  "small json": { answer: ({ res }) => res.json({ a: 1 }) },
  "large json": { answer: ({ res }) => res.json(LARGE) },
  "an answer after an await": {
    answer: async ({ res }) => {
      await new Promise(setImmediate);
      res.json({ a: 1 });
    },
  },
  "a stream": { answer: ({ res }) => void slowStream(20).pipe(res.type("text") as any), fault: "A6" },
  "pieces with callbacks": {
    answer: ({ res, callback }) => {
      res.type("text");
      res.write("one ", callback("one"));
      res.write("two ", callback("two"));
      res.end("three", callback("end"));
    },
    fault: "A6",
  },
  "a file": { answer: ({ res }) => res.sendFile(LARGE_FILE, { root: FILES }), fault: "A6" },
  "a redirect with a cookie": { answer: ({ res }) => res.cookie("a", "1").cookie("b", "2").redirect("/elsewhere") },
  "304": { answer: ({ res }) => res.json({ a: 1 }), asked: { headers: { "If-None-Match": "*" } } },
  HEAD: { answer: ({ res }) => res.json(LARGE), asked: { method: "HEAD" } },
  "a body": { answer: async ({ req, res }) => res.send(await text(req)), asked: { method: "POST", body: "a=1" } },
  compressed: {
    answer: ({ res }) => res.json(LARGE),
    before: () => [neighbour("compression")({ threshold: 0 })],
    asked: { headers: { "Accept-Encoding": "gzip" } },
    fault: "A6",
  },
  "an error": {
    answer: () => {
      throw new Error("sorry");
    },
  },
};

function row(adapter: string, kind: string, what: string): Row {
  const { answer, before, asked = {}, ...options } = WAYS[what]!;
  return {
    ...options,
    name: `${adapter}, ${kind}, ${what}`,
    on: ["express"],
    asked: { ...asked, headers: { "X-Adapter": adapter, ...asked.headers } },
    app: async (stage) => {
      const handler = (io: Io): unknown => {
        io.touch();
        return answer(io);
      };
      const serve = ADAPTERS[adapter]!(await nodeApp(stage, handler, { before: before?.() ?? [] }));
      return async (req, res) => send(res, await serve(EVENTS[kind]!(req, await text(req)), {}));
    },
  };
}

/** Functions in a cloud: what answers is no response of a server. */
export const serverless: readonly Row[] = Object.keys(ADAPTERS).flatMap((adapter) =>
  Object.keys(EVENTS).flatMap((kind) => Object.keys(WAYS).map((what) => row(adapter, kind, what))),
);
