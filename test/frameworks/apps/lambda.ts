import assert from "node:assert/strict";
import type { Storage } from "holdfast";
import { adapterStorage } from "holdfast/testing";
import { Hono } from "hono";
import { createServer, type RequestListener } from "node:http";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import type { Framework, OwnCase, RunningApp } from "../framework.js";
import { fromNpm, ownVersion, packageOf } from "../packages.js";
import { WebClient } from "../web-client.js";
import { expressApp } from "./express.js";
import { fastifyApp } from "./fastify.js";
import { honoApp } from "./fetch-app.js";
import { GATEWAYS, send, type Event, type Result } from "./gateways.js";
import { listen } from "./listen.js";

/** Those that run on Node 20. */
const PACKAGES = {
  "serverless-http": "4.0.0",
  "@codegenie/serverless-express": "4.17.1",
  "@fastify/aws-lambda": "6.4.1",
};

type LambdaFunction = (event: Event, context: object) => Promise<Result>;

/** After an asynchronous middleware, any one, it has lost the stream of the body. */
const PARSES_FIRST = true;

/** Bytes that are no text. */
const BYTES = Buffer.from([0, 255, 128, 10, 13, 254]);

/** An adapter of functions, with an application on it. */
type Adapter = (options: object) => Promise<LambdaFunction>;

const loaded = (name: keyof typeof PACKAGES): Promise<any> => packageOf(fromNpm(PACKAGES), name);

function expressRoutes(app: any): void {
  app.get("/cookies", (req: any, res: any) => {
    req.session.set("seen", "yes");
    res.cookie("theme", "dark").cookie("lang", "en").send("cookies");
  });
  app.get("/bytes", (req: any, res: any) => {
    req.session.set("seen", "yes");
    res.type("png").send(BYTES);
  });
}

const ADAPTERS: Readonly<Record<string, Adapter>> = {
  "serverless-http": async (options) => {
    const { default: serverless } = await loaded("serverless-http");
    const app: RequestListener = await expressApp(ownVersion("express"), options, expressRoutes);
    return serverless(app, { binary: ["image/*"] });
  },
  "@codegenie/serverless-express": async (options) => {
    const { configure } = await loaded("@codegenie/serverless-express");
    const app = await expressApp(ownVersion("express"), options, expressRoutes, PARSES_FIRST);
    return configure({ app, logSettings: { level: "error" }, binarySettings: { contentTypes: ["image/*"] } });
  },
  "@fastify/aws-lambda": async (options) => {
    const { default: make } = await loaded("@fastify/aws-lambda");
    const app = await fastifyApp(ownVersion("fastify"), options, (app) => {
      app.get("/cookies", async (request: any, reply: any) => {
        request.session.set("seen", "yes");
        return reply.header("set-cookie", ["theme=dark", "lang=en"]).send("cookies");
      });
      app.get("/bytes", async (request: any, reply: any) => {
        request.session.set("seen", "yes");
        return reply.type("image/png").send(BYTES);
      });
    });
    return make(app, { binaryMimeTypes: ["image/png"] });
  },
  "hono/aws-lambda": async (options) => {
    const { handle } = await import("hono/aws-lambda");
    return handle(honoFunction(options)) as unknown as LambdaFunction;
  },
  "hono/aws-lambda streamHandle": async (options) => {
    const { streamHandle } = await import("hono/aws-lambda");
    Object.assign(globalThis, { awslambda: STREAMING });
    return streamHandle(honoFunction(options)) as unknown as LambdaFunction;
  },
};

const honoFunction = (options: object): any =>
  honoApp(Hono, options, (app) => {
    app.get("/cookies", (c: any) => {
      c.get("session").set("seen", "yes");
      c.header("Set-Cookie", "theme=dark", { append: true });
      c.header("Set-Cookie", "lang=en", { append: true });
      return c.text("cookies");
    });
    app.get("/bytes", (c: any) => {
      c.get("session").set("seen", "yes");
      return c.body(BYTES, 200, { "Content-Type": "image/png" });
    });
  });

type StreamFunction = (event: Event, stream: PassThrough & { head?: object }, context: object) => Promise<void>;

/** What the runtime of AWS offers to functions that stream: the head goes before the first byte. */
const STREAMING = {
  streamifyResponse:
    (run: StreamFunction): LambdaFunction =>
    async (event, context) => {
      const stream: PassThrough & { head?: object } = new PassThrough();
      const [body] = await Promise.all([buffer(stream), run(event, stream, context)]);
      return { ...(stream.head as Result), body: body.toString("base64"), isBase64Encoded: true };
    },
  HttpResponseStream: { from: (stream: object, head: object) => Object.assign(stream, { head }) },
};

/** A platform freezes a function when it has returned: what its session does later may never happen. */
class Freezing {
  running = 0;
  pending = 0;
  /** What was done too late. */
  readonly late: string[] = [];

  /** The storage of the suite; each call takes a while. */
  storage(): Storage {
    const inner = adapterStorage();
    const seen =
      <A extends unknown[], R>(name: string, call: (...args: A) => R) =>
      async (...args: A): Promise<Awaited<R>> => {
        if (this.running === 0) this.late.push(name);
        this.pending++;
        try {
          await wait(3);
          return await call(...args);
        } finally {
          this.pending--;
        }
      };
    return {
      get: seen("get", inner.get) as Storage["get"],
      create: seen("create", inner.create) as Storage["create"],
      update: seen("update", inner.update) as Storage["update"],
      touch: seen("touch", inner.touch) as Storage["touch"],
      delete: seen("delete", inner.delete) as Storage["delete"],
    };
  }

  async run(call: () => Promise<Result>): Promise<Result> {
    this.running++;
    try {
      return await call();
    } finally {
      this.running--;
      if (this.running === 0 && this.pending > 0) this.late.push("a call has not ended");
    }
  }
}

interface LambdaApp extends RunningApp {
  readonly freezing: Freezing;
}

const CASES: readonly OwnCase[] = [
  {
    name: "the cookies of the application and the session's reach the client",
    async run(app, version) {
      const client = new WebClient(app.origin);
      await client.get("/cookies");
      const names = ["theme", "lang", "session_id"].filter((name) => client.cookie(name) !== undefined);
      assert.equal(names.length, version.endsWith(", ALB") ? 1 : 3, names.join());
    },
  },
  {
    name: "bytes that are no text arrive as they are",
    async run(app) {
      const response = await fetch(`${app.origin}/bytes`);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), BYTES);
      assert.match(response.headers.getSetCookie().join(), /session_id=/);
    },
  },
  {
    name: "the function returns after the session is stored, and nothing is done later",
    async run(app) {
      const client = new WebClient(app.origin);
      await client.post("/increment");
      await client.post("/login", { user: "ann" });
      await client.get("/stream");
      await client.get("/slow");
      await client.post("/logout");
      await wait(50);
      assert.deepEqual((app as LambdaApp).freezing.late, []);
    },
  },
];

/**
 * Events that an adapter does not know; and load balancers without multi-value headers, if it puts all cookies into a
 * field that they do not read.
 */
const WITHOUT: Readonly<Record<string, readonly string[]>> = {
  "serverless-http": ["ALB"],
  "@codegenie/serverless-express": ["Netlify event"],
  "@fastify/aws-lambda": ["ALB", "ALB, multi-value", "Netlify event"],
  "hono/aws-lambda": ["Netlify event"],
  "hono/aws-lambda streamHandle": Object.keys(GATEWAYS).filter((gateway) => gateway !== "function URL"),
};

/** Functions in clouds: AWS Lambda behind each of its gateways, and Netlify's older functions. */
export const lambda: Framework = {
  name: "lambda",
  versions: Object.keys(ADAPTERS).flatMap((adapter) =>
    Object.keys(GATEWAYS)
      .filter((gateway) => !WITHOUT[adapter]?.includes(gateway))
      .map((gateway) => `${adapter}, ${gateway}`),
  ),
  async start(version) {
    const [adapter = "", ...rest] = version.split(", ");
    const gateway = GATEWAYS[rest.join(", ")]!;
    const freezing = new Freezing();
    const handle = await ADAPTERS[adapter]!({ storage: freezing.storage() });
    const context = { awsRequestId: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", getRemainingTimeInMillis: () => 30_000 };
    const server = createServer(async (req, res) => {
      const event = gateway.event(req, await buffer(req));
      try {
        send(res, gateway, await freezing.run(() => handle(event, { ...context })));
      } catch (error) {
        res.writeHead(502).end(String((error as Error).stack));
      }
    });
    return { ...(await listen(server)), freezing } as LambdaApp;
  },
  own: CASES,
};
