import assert from "node:assert/strict";
import { createServer, request as ask, ServerResponse, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { createAdaptorServer, upgradeWebSocket } from "@hono/node-server";
import express from "express";
import type { StoredSession } from "holdfast";
import { session as connectSession } from "holdfast/connect";
import { session as expressSession } from "holdfast/express";
import { session as fastifySession } from "holdfast/fastify";
import { session as fetchSession } from "holdfast/fetch";
import { session as honoSession, type SessionEnv } from "holdfast/hono";
import { session as koaSession } from "holdfast/koa";
import { session as nodeSession } from "holdfast/node";
import { Hono } from "hono";
import Koa from "koa";
import { listening } from "../support/apps/serving.js";
import { nodeWsPackages, socketPackage } from "../support/socket-packages.js";
import { watched, type WatchedStorage } from "../support/storages.js";
import { until, within } from "../support/within.js";
import { mishaps } from "./hygiene.js";
import { codeOf } from "./world.js";

/** A request that has become a socket gets no answer any more: no verb that needs one may say that it worked. */

interface Data {
  n: number;
}

type Live = Pick<StoredSession<Data>, "get" | "set" | "save" | "regenerate" | "authenticate" | "reset" | "destroy">;

const { WebSocket, WebSocketServer } = socketPackage("ws");

/** What a message asks of the session of its socket. */
async function act(own: Live, message: string): Promise<string> {
  if (message === "add") {
    return codeOf(async () => {
      own.set("n", (own.get("n") ?? 0) + 1);
      await own.save();
    });
  }
  if (message === "read") return String(own.get("n"));
  const verbs: Readonly<Record<string, () => Promise<void>>> = {
    save: () => own.save(),
    regenerate: () => own.regenerate(),
    authenticate: () => own.authenticate("ann"),
    reset: () => own.reset(),
    destroy: () => own.destroy(),
  };
  return codeOf(verbs[message]!);
}

/** An application: what it serves, and the store behind its sessions. */
interface Application {
  readonly server: Server;
  readonly sessions: {
    readonly store: {
      create(data: Data): Promise<{ token: string }>;
      getByToken(token: string): Promise<StoredSession<Data> | undefined>;
    };
  };
  /** Starts it, if it is not the server that listens. */
  listen?(): Promise<unknown>;
}

/** Answers every message by what the session says. */
function talking(socket: any, own: () => Live | Promise<Live>): void {
  socket.on("message", async (message: Buffer) => socket.send(await act(await own(), String(message))));
}

const APPLICATIONS: Readonly<Record<string, (storage: WatchedStorage) => Application | Promise<Application>>> = {
  "ws, sessions.read": (storage) => {
    const sessions = nodeSession<Data>({ storage });
    const server = createServer();
    const sockets = new WebSocketServer({ noServer: true });
    server.on("upgrade", async (req, socket, head) => {
      const own = await sessions.read(req);
      sockets.handleUpgrade(req, socket, head, (one: any) => talking(one, () => own));
    });
    return { server, sessions };
  },
  "ws, the middleware with an empty response": (storage) => withMiddleware(storage, () => ({})),
  "ws, the middleware with no response": (storage) => withMiddleware(storage, () => undefined),
  "ws, the middleware with a response that is connected to nothing": (storage) =>
    withMiddleware(storage, (req) => new ServerResponse(req)),
  "Express, the application asked about the upgrade": (storage) => {
    const sessions = expressSession<Data>({ storage, refreshInterval: 0 });
    const app = express();
    app.use(sessions);
    app.get(
      "/",
      (req) =>
        void sockets.handleUpgrade(req, req.socket, Buffer.alloc(0), (one: any) =>
          talking(one, () => sessions.get(req)),
        ),
    );
    const server = createServer(app);
    const sockets = new WebSocketServer({ noServer: true });
    server.on("upgrade", (req) => void app(req as express.Request, new ServerResponse(req) as express.Response));
    return { server, sessions };
  },
  "express-ws": (storage) => {
    const sessions = expressSession<Data>({ storage, refreshInterval: 0 });
    const { app, getWss: _all } = socketPackage("express-ws")(socketPackage("express")());
    app.use(sessions);
    app.ws("/", (socket: any, req: IncomingMessage) => talking(socket, () => sessions.get(req)));
    return {
      server: app,
      sessions,
      listen: () => new Promise((resolve) => (app.server = app.listen(0, "127.0.0.1", () => resolve(app.server)))),
    };
  },
  "@fastify/websocket": async (storage) => {
    const sessions = fastifySession<Data>({ storage, refreshInterval: 0 });
    const app = socketPackage("fastify")();
    await app.register(socketPackage("@fastify/websocket"));
    await app.register(sessions);
    app.get("/", { websocket: true }, (socket: any, request: any) => talking(socket, () => sessions.get(request)));
    return { server: app.server, sessions, listen: () => app.listen({ port: 0, host: "127.0.0.1" }) };
  },
  "Koa, its callback asked about the upgrade": (storage) => {
    const sessions = koaSession<Data>({ storage, refreshInterval: 0 });
    const app = new Koa().use(sessions).use((ctx) => {
      ctx.respond = false;
      sockets.handleUpgrade(ctx.req, ctx.req.socket, Buffer.alloc(0), (one: any) =>
        talking(one, () => sessions.get(ctx)),
      );
    });
    const sockets = new WebSocketServer({ noServer: true });
    const server = createServer(app.callback());
    server.on("upgrade", (req) => void app.callback()(req, new ServerResponse(req)));
    return { server, sessions };
  },
  "Hono, @hono/node-ws": (storage) => {
    const { createNodeWebSocket, createAdaptorServer: createOlderServer } = nodeWsPackages();
    const sessions = honoSession<Data>({ storage, refreshInterval: 0 });
    const app = new Hono<SessionEnv<Data>>().use(sessions);
    const { injectWebSocket, upgradeWebSocket: upgrade } = createNodeWebSocket({ app });
    app.get(
      "/",
      upgrade((c: any) => ({
        onMessage: async (event: any, socket: any) =>
          socket.send(await act(c.get("session") as Live, String(event.data))),
      })),
    );
    const server = createOlderServer({ fetch: app.fetch }) as Server;
    injectWebSocket(server);
    return { server, sessions };
  },
  "Hono, upgradeWebSocket": (storage) => {
    const sessions = honoSession<Data>({ storage, refreshInterval: 0 });
    const app = new Hono<SessionEnv<Data>>().use(sessions);
    app.get(
      "/",
      upgradeWebSocket((c) => ({
        onMessage: async (event, socket) => socket.send(await act(c.get("session") as Live, String(event.data))),
      })),
    );
    return {
      server: createAdaptorServer({
        fetch: app.fetch,
        websocket: { server: new WebSocketServer({ noServer: true }) },
      }) as Server,
      sessions,
    };
  },
};

function withMiddleware(storage: WatchedStorage, responseTo: (req: IncomingMessage) => unknown): Application {
  const sessions = connectSession<Data>({ storage, refreshInterval: 0 });
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (req, socket, head) => {
    sessions(req, responseTo(req) as ServerResponse, (error) => {
      assert.equal(error, undefined);
      sockets.handleUpgrade(req, socket, head, (one: any) => talking(one, () => sessions.get(req)));
    });
  });
  return { server, sessions };
}

/** One socket. Each message is answered before the next is sent. */
class Caller {
  readonly #socket: any;
  readonly #heard: string[] = [];

  private constructor(socket: any) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.#heard.push(String(data)));
  }

  static async at(
    t: TestContext,
    port: number,
    cookie?: string,
  ): Promise<{ caller: Caller; setCookies: readonly string[] }> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: cookie === undefined ? {} : { cookie } });
    t.after(() => socket.terminate());
    const caller = new Caller(socket);
    let setCookies: readonly string[] = [];
    socket.on("upgrade", ({ headers }: IncomingMessage) => (setCookies = headers["set-cookie"] ?? []));
    await within(
      3000,
      "the socket",
      new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject)),
    );
    return { caller, setCookies };
  }

  async say(message: string): Promise<string> {
    const before = this.#heard.length;
    this.#socket.send(message);
    await until(`an answer to ${message}`, () => this.#heard.length > before);
    return this.#heard[before]!;
  }
}

async function started(
  t: TestContext,
  make: (storage: WatchedStorage) => Application | Promise<Application>,
): Promise<Application & { port: number; storage: WatchedStorage }> {
  const before = mishaps.length;
  const storage = watched();
  const application = await make(storage);
  if (application.listen) {
    const own = await application.listen();
    const server = (typeof own === "object" ? own : application.server) as Server;
    t.after(() => void (server.closeAllConnections(), server.close()));
    t.after(() => assert.deepEqual(mishaps.slice(before), []));
    return { ...application, port: (server.address() as AddressInfo).port, storage };
  }
  const served = await listening(application.server, [], []);
  t.after(() => served.close());
  t.after(() => assert.deepEqual(mishaps.slice(before), []));
  return { ...application, port: served.port, storage };
}

for (const [name, make] of Object.entries(APPLICATIONS)) {
  test(`A16: ${name}: changes of a known session are saved by save(), and what needs a token is refused`, async (t) => {
    const { port, sessions, storage } = await started(t, make);
    const { token } = await sessions.store.create({ n: 1 });
    storage.forget();
    const { caller, setCookies } = await Caller.at(t, port, `session_id=${token}`);
    assert.equal(await caller.say("read"), "1");
    for (const expected of [2, 3]) {
      assert.equal(await caller.say("add"), "none");
      assert.equal((await sessions.store.getByToken(token))?.get("n"), expected);
    }
    for (const verb of ["authenticate", "regenerate", "reset"])
      assert.equal(await caller.say(verb), "answered", verb);
    assert.equal(await caller.say("save"), "none");
    assert.equal((await sessions.store.getByToken(token))?.get("n"), 3, "the session is as it was");
    assert.equal(await caller.say("destroy"), "none");
    assert.equal(await sessions.store.getByToken(token), undefined);
    assert.equal(await caller.say("add"), "ended");
    assert.deepEqual([storage.counts.create, setCookies], [undefined, []]);
  });

  test(`A16: ${name}: a visitor's socket stores nothing, and rejects with an error`, async (t) => {
    const { port, storage } = await started(t, make);
    const { caller, setCookies } = await Caller.at(t, port);
    for (const verb of ["add", "save", "authenticate", "regenerate", "reset"])
      assert.equal(await caller.say(verb), "answered", verb);
    assert.equal(await caller.say("read"), "undefined");
    assert.deepEqual([storage.counts.create, setCookies], [undefined, []]);
  });
}

test("A16: socket.io, as its guide mounts middlewares: over websocket and polling the session is read, and sessions.read changes it", async (t) => {
  for (const transports of [["websocket"], ["polling"], ["polling", "websocket"]]) {
    const storage = watched();
    const sessions = expressSession<Data>({ storage, refreshInterval: 0 });
    const served = await listening(createServer(), [], []);
    const io = new (socketPackage("socket.io").Server)(served.server);
    t.after(() => void (io.close(), served.close()));
    io.engine.use(sessions);
    io.on("connection", (socket: any) =>
      socket.on("ask", async (message: string, reply: (said: string) => void) =>
        reply(await act(await sessions.read(socket.request), message)),
      ),
    );
    const { token } = await sessions.store.create({ n: 1 });
    const client = socketPackage("socket.io-client").io(served.origin, {
      transports,
      extraHeaders: { cookie: `session_id=${token}` },
      forceNew: true,
    });
    t.after(() => client.close());
    const say = (message: string): Promise<string> => within(5000, message, client.emitWithAck("ask", message));
    assert.equal(await say("read"), "1", transports.join());
    assert.equal(await say("add"), "none");
    for (const verb of ["authenticate", "regenerate", "reset"]) assert.equal(await say(verb), "answered", verb);
    assert.equal((await sessions.store.getByToken(token))?.get("n"), 2);
    assert.equal(storage.counts.create, 1);
  }
});

test("A16: a refused handshake gets a response, and changes of a known session are stored", async (t) => {
  const storage = watched();
  const sessions = fastifySession<Data>({ storage });
  const app = socketPackage("fastify")();
  await app.register(socketPackage("@fastify/websocket"));
  await app.register(sessions);
  app.addHook("preValidation", async (request: any, reply: any) => {
    const own = sessions.get(request);
    if (own.get("n") !== undefined) own.set("n", 2);
    return reply.code(401).send("no");
  });
  app.get("/", { websocket: true }, () => {});
  await app.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => app.close());
  const { token } = await sessions.store.create({ n: 1 });
  for (const cookie of [`session_id=${token}`, "theme=dark"]) {
    const status = new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${app.server.address().port}/`, { headers: { cookie } });
      socket
        .on("unexpected-response", (_req: unknown, res: IncomingMessage) =>
          resolve([res.statusCode, res.headers["set-cookie"]]),
        )
        .once("error", reject);
    });
    assert.deepEqual(await within(3000, "the refusal", status), [401, undefined]);
  }
  assert.equal((await sessions.store.getByToken(token))?.get("n"), 2);
  assert.equal(storage.counts.create, 1);
});

test("A16: upgrade headers without an upgrade listener change nothing on Node", async (t) => {
  const sessions = nodeSession<Data>({ storage: watched() });
  const served = await listening(
    createServer(sessions((req, res) => (req.session.set("n", 1), void res.end("page")))),
    [],
    [],
  );
  t.after(() => served.close());
  for (const upgrade of ["websocket", "h2c"]) {
    const headers = { connection: "Upgrade", upgrade, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
    const answer = await within(
      3000,
      upgrade,
      new Promise<IncomingMessage>(
        (resolve, reject) => void ask(served.origin, { headers }, resolve).once("error", reject).end(),
      ),
    );
    assert.deepEqual([answer.statusCode, answer.headers["set-cookie"]?.length], [200, 1], upgrade);
    answer.resume();
  }
});

test("A16: a fetch handler that accepts the upgrade, or refuses the handshake", async () => {
  const storage = watched();
  const sessions = fetchSession<Data>({ storage, refreshInterval: 0 });
  const { token } = await sessions.store.create({ n: 1 });
  const headers = {
    upgrade: "websocket",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    cookie: `session_id=${token}`,
  };
  let request = new Request("https://shop.example/", { headers });
  const upgraded = sessions((one: Request) => {
    sessions.get(one).set("n", 2);
    return undefined as unknown as Response;
  });
  assert.equal(await upgraded(request), undefined);
  assert.equal((await sessions.store.getByToken(token))?.get("n"), 2, "what changed before is stored");
  assert.equal(await act(sessions.get(request) as Live, "add"), "none");
  assert.equal(await act(sessions.get(request) as Live, "authenticate"), "answered");
  request = new Request("https://shop.example/", { headers });
  const refused = await sessions(
    (one: Request) => (sessions.get(one).set("n", 9), new Response("no", { status: 403 })),
  )(request);
  assert.deepEqual([refused.status, refused.headers.getSetCookie(), await refused.text()], [403, [], "no"]);
  assert.equal((await sessions.store.getByToken(token))?.get("n"), 9);
  const visitor = new Request("https://shop.example/", { headers: { ...headers, cookie: "" } });
  await sessions(
    async (one: Request) => (
      assert.equal(await act(sessions.get(one) as Live, "authenticate"), "answered"),
      undefined as unknown as Response
    ),
  )(visitor);
  assert.equal(storage.counts.create, 1);
});
