import { createServer, ServerResponse, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { EventEmitter } from "node:events";
import { Duplex } from "node:stream";
import { middlewares, nodeApp, onNode } from "../frameworks.js";
import type { App, Framework, Io, Row, Stage } from "../row.js";

const CONNECT_1: readonly Framework[] = ["connect", "express", "express4"];

/** Runs the session with a stand-in for the response, then answers by the real one. */
function besides(name: string, standIn: (req: IncomingMessage) => unknown, fault: string): Row {
  return {
    name: `sessions(req, ${name}, next), answered elsewhere`,
    on: ["connect", "express"],
    fault,
    whenSaveFails: "as bare",
    app:
      (stage: Stage): App =>
      (req: IncomingMessage, res: ServerResponse): void => {
        stage.session(req, standIn(req), (error?: Error) => {
          if (error) {
            stage.note("error", error.message);
            res.statusCode = 503;
          } else stage.look(req);
          res.end("x");
        });
      },
  };
}

/** What engine.io gives to middlewares for a WebSocket: no `ServerResponse`, and functions that answer nothing. */
class EngineResponse extends EventEmitter {
  readonly #socket: unknown;
  statusCode = 200;

  constructor(req: IncomingMessage) {
    super();
    this.#socket = req.socket;
  }

  setHeader(): void {}
  getHeader(): undefined {}
  removeHeader(): void {}
  write(): void {}
  writeHead(): void {}
  end(): void {
    (this.#socket as { destroy?(): void }).destroy?.();
  }
}

/** The same without being an emitter. */
const engineResponse = (req: IncomingMessage): object => {
  const { setHeader, getHeader, removeHeader, write, writeHead, end } = new EngineResponse(req);
  return { setHeader, getHeader, removeHeader, write, writeHead, end };
};

const STAND_INS: Readonly<Record<string, readonly [make: (req: IncomingMessage) => unknown, fault: string]>> = {
  "{}": [() => ({}), "A14"],
  undefined: [() => undefined, "A15"],
  null: [() => null, "A15"],
  "what engine.io has": [engineResponse, "A14"],
  "an emitter that answers nothing": [(req) => new EngineResponse(req), "A14"],
  "a ServerResponse without a socket": [(req) => new ServerResponse(req), "A14"],
  "a response that is frozen": [() => Object.freeze({ headersSent: false, getHeader() {}, setHeader() {} }), "A14"],
};

const standIns = Object.entries(STAND_INS).map(([name, [make, fault]]) => besides(name, make, fault));

/**
 * A response for an event instead of a socket, as adapters for serverless platforms make it: its socket's `write`
 * answers nothing.
 */
function eventResponse(req: IncomingMessage, done: (text: string) => void): ServerResponse {
  const res = new ServerResponse(req);
  const pieces: Buffer[] = [];
  res.useChunkedEncodingByDefault = false;
  res.chunkedEncoding = false;
  res.assignSocket({
    _writableState: {},
    writable: true,
    on: () => {},
    removeListener: () => {},
    destroy: () => {},
    cork: () => {},
    uncork: () => {},
    write: (data: string | Buffer, encoding?: unknown, callback?: () => void) => {
      pieces.push(Buffer.from(data as string));
      if (typeof encoding === "function") encoding();
      callback?.();
    },
  } as never);
  res.on("finish", () => done(Buffer.concat(pieces).toString("latin1")));
  return res;
}

/**
 * Serves each request by an application that is given an event's response, and relays what it answered as the body.
 */
function onEvents(name: string, handler: (io: Io) => unknown): Row {
  return {
    name: `an event instead of a socket: ${name}`,
    on: CONNECT_1,
    fault: "A6",
    app: (stage) => {
      const app = nodeApp(stage, handler) as (req: unknown, res: unknown) => void;
      return createServer((req, res) => {
        app(
          req,
          eventResponse(req, (text) => {
            const [head = "", body] = text.split("\r\n\r\n");
            const [line = "", ...lines] = head.split("\r\n");
            for (const one of lines.filter((header) => !/^(date|connection|keep-alive):/i.test(header)))
              res.appendHeader(one.split(": ")[0]!, one.split(": ")[1]!);
            res.statusCode = Number(line.split(" ")[1]);
            res.end(body);
          }),
        );
      });
    },
  };
}

const events: readonly Row[] = [
  onEvents("res.end(text)", ({ res, touch }) => {
    touch();
    res.end("hello");
  }),
  onEvents("res.write, res.end", ({ res, touch }) => {
    touch();
    res.write("hel");
    res.end("lo");
  }),
  onEvents("res.writeHead, res.end", ({ res, touch }) => {
    touch();
    res.writeHead(201, { "X-A": "1" });
    res.end("lo");
  }),
  onEvents("a stream in pieces", ({ res, touch }) => {
    touch();
    (async () => {
      for (const text of ["a", "b", "c"]) {
        res.write(text);
        await new Promise((resolve) => setImmediate(resolve));
      }
      res.end();
    })().catch(() => {});
  }),
];

/** A response on a socket of its own. */
const onOwnSocket: Row = {
  name: "res.assignSocket of a stream, res.write, res.end",
  on: ["connect", "express"],
  app: (stage) => {
    const app = nodeApp(stage, ({ res, touch, note }) => {
      touch();
      note("write", res.write("hel"));
      res.end("lo");
    }) as (req: unknown, res: unknown) => void;
    return createServer((req, res) => {
      const pieces: Buffer[] = [];
      const socket = new Duplex({
        read() {},
        write(piece, _encoding, callback) {
          pieces.push(piece as Buffer);
          callback();
        },
      });
      const inner = new ServerResponse(req);
      inner.assignSocket(socket as never);
      inner.on("finish", () => {
        inner.detachSocket(socket as never);
        const text = Buffer.concat(pieces).toString("latin1");
        res.end(text.slice(text.indexOf("\r\n\r\n") + 4));
        stage.note("framing", /transfer-encoding: chunked/i.test(text));
      });
      app(req, inner);
    });
  },
};

type Inject = (
  app: (req: unknown, res: unknown) => void,
  options: object,
) => Promise<{ statusCode: number; headers: Record<string, any>; rawPayload: Buffer }>;

const inject = createRequire(createRequire(import.meta.url).resolve("fastify"))("light-my-request") as Inject;

/** Serves each request by an injected one. */
function injected(name: string, handler: (io: Io) => unknown): Row {
  return {
    name: `light-my-request: ${name}`,
    // It changes the prototypes of every Express application of a process.
    on: ["connect"],
    app: (stage) => {
      const app = nodeApp(stage, handler) as (req: unknown, res: unknown) => void;
      return createServer((req, res) => {
        const { cookie } = req.headers;
        void inject(app, { method: req.method, url: req.url, headers: cookie === undefined ? {} : { cookie } }).then(
          ({ statusCode, headers, rawPayload }) => {
            for (const drop of ["date", "connection", "transfer-encoding"]) delete headers[drop];
            res.writeHead(statusCode, headers);
            res.end(rawPayload);
          },
        );
      });
    },
  };
}

const injections: readonly Row[] = [
  injected("res.end(text)", ({ res, touch }) => {
    touch();
    res.end("hello");
  }),
  injected("res.write, res.end", ({ res, touch, callback }) => {
    touch();
    res.write("hel", callback("write"));
    res.end("lo", callback("end"));
  }),
  injected("res.writeHead, res.end", ({ res, touch }) => {
    touch();
    res.writeHead(201, { "X-A": "1", "Set-Cookie": ["a=1", "b=2"] });
    res.end("x");
  }),
];

type Middleware = (req: unknown, res: any, next: () => void) => void;

/** The session, mounted between two middlewares. */
function behind(name: string, before: Middleware, after: Middleware): Row {
  return {
    name: `the session mounted behind a middleware that ${name}`,
    on: ["connect", "express"],
    fault: "A7",
    whenSaveFails: "as bare",
    app: (stage) => {
      const app = middlewares(stage.framework);
      for (const one of [before, stage.session, after]) app.use(one);
      return app as unknown as App;
    },
  };
}

/** A middleware that is given to another server's middlewares, behind one that has answered. */
const afterAnswer: readonly Row[] = [
  behind(
    "has answered",
    (_req, res, next) => {
      res.end("first");
      next();
    },
    (_req, _res, next) => next(),
  ),
  behind(
    "wrote the first piece",
    (_req, res, next) => {
      res.write("first");
      next();
    },
    (_req, res) => res.end("second"),
  ),
  onNode(
    "a session of a request that another listener answers",
    ({ res, touch, stage }) => {
      touch();
      stage.later(5, () => res.end("x"));
    },
    { on: ["node", "connect"] },
  ),
];

/** Responses that are none of Node's, or not quite. */
export const standIn: readonly Row[] = [...standIns, ...events, onOwnSocket, ...injections, ...afterAnswer];
