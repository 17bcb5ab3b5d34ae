import express from "express";
import { createRequire } from "node:module";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { dirname, join } from "node:path";
import type { App, Options, Row, Stage } from "../row.js";
import type { Wire } from "../wire.js";
import { fastifyWith } from "./fastify.js";
import { listen } from "./listen.js";
import { exportsOf, neighbour, pathOf } from "./packages.js";

const HANDSHAKE = {
  Connection: "Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};
const CLOSE = "\x88\x80\0\0\0\0";

/** A text in a frame of a client, masked with nothing. */
function frame(text: string): string {
  if (text.length > 125) throw new RangeError("a short text is wanted");
  return `\x81${String.fromCharCode(0x80 + text.length)}\0\0\0\0${text}`;
}

/** Opens a WebSocket, says each text once what is received holds the answer to what came before, and closes it. */
function talk(
  path: string,
  greeting: string,
  ...turns: readonly (readonly [text: string, answer: string])[]
): (wire: Wire) => Promise<void> {
  return async (wire) => {
    wire.request({ path, headers: HANDSHAKE });
    if (!(await wire.until(() => wire.received.includes(greeting)))) return;
    for (const [text, answer] of turns) {
      wire.send(frame(text));
      if (!(await wire.until(() => wire.received.includes(answer)))) return;
    }
    wire.send(CLOSE);
    await wire.until(() => false);
  };
}

const hello = (path: string): ((wire: Wire) => Promise<void>) => talk(path, "ready", ["hello", "hello too"]);

/** What became of a use of the session, or of its save: `seen`, or the code of what was thrown. */
async function outcome(act: () => unknown): Promise<string> {
  try {
    const value = await act();
    return typeof value === "string" ? value : "saved";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** What a program may do with a message: use the session of the request and save it, or change what is stored. */
async function used(stage: Stage, req: object): Promise<void> {
  stage.note("used", await outcome(() => stage.touch(req)));
  stage.note("saved", await outcome(() => stage.session.find?.(req)?.save()));
  stage.note("edited", await outcome(() => edit(stage, req)));
}

async function edit({ session }: Stage, req: object): Promise<void> {
  const id: string | undefined = session.find?.(req)?.id;
  if (id !== undefined) await session.store.edit(id, (one: any) => one.set("told", 1));
}

/** The end of the request saves nothing here: what fails is told by `save()`. */
const UPGRADED: Omit<Options, "on"> = { whenSaveFails: "as bare", fault: "A16" };

const wsRows: readonly Row[] = [
  {
    ...UPGRADED,
    name: "ws, sessions.read at the upgrade",
    on: ["connect"],
    ask: hello("/"),
    app: (stage) => {
      const server = createServer();
      const { WebSocketServer } = exportsOf("ws");
      const sockets = new WebSocketServer({ noServer: true });
      stage.onEnd(() => sockets.close());
      server.on("upgrade", (req, socket, head) => {
        void (async () => {
          await stage.session.read?.(req);
          sockets.handleUpgrade(req, socket, head, (one: any) => {
            one.on("message", (text: Buffer) => one.send(`${String(text)} too`));
            one.send("ready");
          });
        })();
      });
      return server;
    },
  },
  {
    ...UPGRADED,
    name: "ws, the middleware at the upgrade with no response",
    on: ["connect"],
    fault: "A15",
    ask: hello("/"),
    app: (stage) => wsWith(stage, (req, next) => stage.session(req, undefined, next)),
  },
  {
    ...UPGRADED,
    name: "ws, the middleware at the upgrade with an empty response",
    on: ["connect"],
    fault: "A15",
    ask: hello("/"),
    app: (stage) => wsWith(stage, (req, next) => stage.session(req, {}, next)),
  },
];

/** A server of ws that runs the middleware at the upgrade; a message uses the session. */
function wsWith(stage: Stage, run: (req: IncomingMessage, next: (error?: unknown) => void) => void): App {
  const server = createServer();
  const { WebSocketServer } = exportsOf("ws");
  const sockets = new WebSocketServer({ noServer: true });
  stage.onEnd(() => sockets.close());
  server.on("upgrade", (req, socket, head) => {
    run(req, (error) => {
      if (error)
        return void socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      sockets.handleUpgrade(req, socket, head, (one: any) => answerMessages(stage, req, one));
    });
  });
  return server;
}

function answerMessages(stage: Stage, req: IncomingMessage, socket: any): void {
  socket.on("message", (text: Buffer) => {
    void used(stage, req).then(() => socket.send(`${String(text)} too`));
  });
  socket.send("ready");
}

/** express-ws changes the application and the router of the Express it finds. */
const expressWs = (stage: Stage): { app: any; server: Server } => {
  const app = express();
  const server = createServer(app);
  neighbour("express-ws")(app, server, { leaveRouterUntouched: true });
  app.use(stage.session);
  return { app, server };
};

const expressWsRows: readonly Row[] = [
  {
    ...UPGRADED,
    name: "express-ws, messages",
    on: ["express"],
    ask: hello("/socket"),
    app: (stage) => {
      const { app, server } = expressWs(stage);
      app.ws("/socket", (socket: any, req: any) => answerMessages(stage, req, socket));
      return server;
    },
  },
  {
    ...UPGRADED,
    name: "express-ws, nobody listens",
    on: ["express"],
    ask: talk("/nothing", "\r\n\r\n"),
    app: (stage) => {
      const { app, server } = expressWs(stage);
      app.ws("/socket", (socket: any, req: any) => answerMessages(stage, req, socket));
      return server;
    },
  },
  {
    name: "express-ws, a page beside it",
    on: ["express"],
    app: (stage) => {
      const { app, server } = expressWs(stage);
      app.get("/", (req: any, res: any) => {
        stage.touch(req);
        res.json({ a: 1 });
      });
      return server;
    },
  },
];

const fastifySockets = (order: "before" | "after"): readonly Row[] => [
  {
    ...UPGRADED,
    name: `@fastify/websocket ${order} the session, messages`,
    on: ["fastify"],
    ask: hello("/socket"),
    app: (stage) => fastifySocket(stage, order),
  },
  {
    name: `@fastify/websocket ${order} the session, a page beside it`,
    on: ["fastify"],
    asked: { path: "/page" },
    app: (stage) => fastifySocket(stage, order),
  },
];

/** Messages use the session, not the upgrade. */
function fastifySocket(stage: Stage, order: "before" | "after"): Promise<App> {
  const lazily: Stage = { ...stage, touch: () => "seen" };
  const routes = (app: any): void => {
    app.get("/socket", { websocket: true }, (socket: any, request: any) => answerMessages(stage, request, socket));
    app.get("/page", (request: object) => {
      stage.touch(request);
      return { a: 1 };
    });
  };
  const plan = { [order]: (app: any) => app.register(neighbour("@fastify/websocket")) };
  return fastifyWith(lazily, {
    ...plan,
    after: async (app) => (await plan["after"]?.(app), app.register(async (inner: any) => routes(inner))),
  });
}

const ROOT = "/socket.io/?EIO=4&transport=";

/** The identifiers that socket.io makes, the same each time. */
function sameIds(io: any): void {
  io.engine.generateId = () => "engine-1";
  const { base64id } = createRequire(pathOf("socket.io"))(
    join(dirname(pathOf("socket.io")), "contrib", "base64id.js"),
  );
  base64id.generateId = () => "socket-1";
}

/** A server of socket.io. An event uses the session of the request that opened the connection. */
function socketIo(stage: Stage, mount: (io: any) => void): Server {
  const server = createServer((_req, res) => res.end("no socket"));
  const io = new (exportsOf("socket.io").Server)(server, { serveClient: false });
  sameIds(io);
  mount(io);
  io.on("connection", (socket: any) => {
    socket.on("who", () => void used(stage, socket.request).then(() => socket.emit("you", "seen")));
  });
  stage.onEnd(() => new Promise<void>((resolve) => io.close(() => resolve())));
  return server;
}

/** As socket.io's own guide has it. */
const onEngine =
  (stage: Stage) =>
  (io: any): void =>
    io.engine.use(stage.session);

/** As its guide was before: an answer that is nothing. */
const onSockets =
  (response: unknown) =>
  (stage: Stage) =>
  (io: any): void =>
    io.use((socket: any, next: (error?: unknown) => void) => stage.session(socket.request, response, next));

/** The connection is opened, and asks, by polling alone: each request is answered before the next is sent. */
async function poll(wire: Wire): Promise<void> {
  const path = `${ROOT}polling&sid=engine-1`;
  const requests = [
    { path: `${ROOT}polling` },
    { method: "POST", path, body: "40" },
    { path },
    { method: "POST", path, body: '42["who"]' },
    { path },
    { method: "POST", path, body: "41" },
  ];
  for (const [i, asked] of requests.entries()) {
    wire.request(asked);
    if (!(await wire.answered(i + 1))) return;
  }
  await wire.next();
}

const events = talk(`${ROOT}websocket`, "0{", ["40", "40{"], ['42["who"]', '42["you"']);

const MOUNTINGS: Readonly<Record<string, { mount: (stage: Stage) => (io: any) => void; fault: string }>> = {
  "io.engine.use(sessions)": { mount: onEngine, fault: "A14" },
  "io.use, an empty response": { mount: onSockets({}), fault: "A15" },
  "io.use, no response": { mount: onSockets(undefined), fault: "A15" },
  both: { mount: (stage) => (io) => (onEngine(stage)(io), onSockets({})(stage)(io)), fault: "A19" },
};

const socketIoRows: readonly Row[] = Object.entries(MOUNTINGS).flatMap(([name, { mount, fault }]): Row[] => [
  {
    ...UPGRADED,
    fault,
    name: `socket.io, ${name}, polling`,
    on: ["connect"],
    ask: poll,
    app: (stage) => socketIo(stage, mount(stage)),
  },
  {
    ...UPGRADED,
    fault,
    name: `socket.io, ${name}, websocket`,
    on: ["connect"],
    ask: events,
    app: (stage) => socketIo(stage, mount(stage)),
  },
  byClient(name, fault, mount),
]);

/**
 * Its own client opens the connection by polling, and goes on by websocket. How many requests that takes differs from
 * time to time: they come to a server of their own, where they are not counted.
 */
function byClient(name: string, fault: string, mount: (stage: Stage) => (io: any) => void): Row {
  let served: { port: number; note: Stage["note"] };
  return {
    ...UPGRADED,
    fault,
    name: `socket.io, ${name}, its client, polling and then websocket`,
    on: ["connect"],
    app: async (stage) => {
      const server = socketIo(stage, mount(stage));
      served = { port: await listen(server), note: stage.note };
      return (_req, res) => res.end("elsewhere");
    },
    ask: async (wire) => {
      const socket = exportsOf("socket.io-client").io(`http://127.0.0.1:${served.port}`, {
        extraHeaders: wire.headers,
        reconnection: false,
        forceNew: true,
      });
      served.note("the client", await answered(socket).finally(() => socket.close()));
      await wire.next();
    },
  };
}

const CLIENT_MS = 3000;

/** What the client is told: once the connection is a websocket it asks. */
function answered(socket: any): Promise<string> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("hears nothing"), CLIENT_MS);
    const end = (what: string) => (): void => {
      clearTimeout(timer);
      resolve(what);
    };
    const ask = (): unknown => socket.emit("who");
    socket.on("connect_error", end("is refused")).on("you", end("is answered"));
    socket.on("connect", () =>
      socket.io.engine.transport.name === "websocket" ? ask() : socket.io.engine.once("upgrade", ask),
    );
  });
}

export const socketPackages: readonly Row[] = [
  ...wsRows,
  ...expressWsRows,
  ...fastifySockets("before"),
  ...fastifySockets("after"),
  ...socketIoRows,
];
