import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { runProgram } from "../built.js";
import type { OwnCase, RunningApp } from "../framework.js";
import { packageOf } from "../packages.js";
import { WebClient, type Page } from "../web-client.js";

/** The application of the suite, and beside it one with other settings of Nest. */
export interface NestApp extends RunningApp {
  readonly directory: string;
  readonly own: string;
  /** The port of its microservice. */
  readonly jobs: number;
  readonly platform: string;
  printed(): string;
}

const one = (name: string, run: (app: NestApp, client: WebClient) => Promise<void>): OwnCase => ({
  name,
  run: (app) => run(app as NestApp, new WebClient((app as NestApp).own)),
});

const json = (page: Page): any => JSON.parse(page.text);

/** Each request counts once: how often, after `path` was requested twice. */
async function countedTwice(client: WebClient, path: string, step: number = 1): Promise<Page> {
  await client.get(path);
  const page = await client.get(path);
  assert.equal(json(await client.get("/api/v1/context/store")).n, 2 * step, path);
  return page;
}

/** Until the application has printed something: its output comes some time after its response. */
async function prints(app: NestApp, pattern: RegExp): Promise<void> {
  for (let i = 0; i < 50 && !pattern.test(app.printed()); i++) await wait(100);
  assert.match(app.printed(), pattern);
}

/** While the storage is in a state. */
async function during({ origin }: NestApp, state: string, act: () => Promise<void>): Promise<void> {
  await fetch(`${origin}/storage?do=${state}`);
  try {
    await act();
  } finally {
    await fetch(`${origin}/storage?do=up`);
  }
}

export const CASES: readonly OwnCase[] = [
  one("@Res() with passthrough, and without it", async (_app, client) => {
    const { headers } = await countedTwice(client, "/api/v1/own/passthrough");
    assert.equal(headers.get("x-passed"), "yes");
    const page = await client.get("/api/v1/own/response");
    assert.deepEqual([page.status, json(page)], [202, { n: 3 }]);
  }),
  one("interceptors change the session and the response", async (_app, client) => {
    assert.deepEqual(json(await countedTwice(client, "/api/v1/context/intercepted", 2)), { n: 4, after: 4 });
  }),
  one("an exception that a filter answers keeps what was changed", async (_app, client) => {
    const page = await countedTwice(client, "/api/v1/own/refused");
    assert.deepEqual([page.status, json(page)], [401, { status: 401, filtered: true }]);
  }),
  one("services: of the request, and plain ones by currentSession()", async (_app, client) => {
    await countedTwice(client, "/v1/scoped");
    assert.equal(json(await client.get("/api/v1/context/plain")).n, 3);
  }),
  one("request.session of the platform is the same session", async (_app, client) => {
    await countedTwice(client, "/api/v1/context/native");
  }),
  one("events of @Sse() come with the cookie, and the change before them is stored", async (_app, client) => {
    const page = await countedTwice(client, "/api/v1/context/events");
    assert.match(page.headers.get("content-type")!, /^text\/event-stream/);
    assert.match(page.text, /data: one\n\nid: 2\ndata: two\n\n/);
  }),
  one(
    "the session comes after app.use(); middlewares of modules have it on Express, not on Fastify",
    async (app, client) => {
      const { headers } = await client.get("/api/v1/own/passthrough");
      const sees = app.platform === "express" ? "has the session" : "has none";
      assert.deepEqual([headers.get("x-before"), headers.get("x-middleware")], ["yes", sees]);
    },
  ),
  one(
    "a storage that is down is 503 in exception filters: when loading, saving, and in a login",
    async (app, client) => {
      await client.get("/api/v1/own/passthrough");
      const failed = { status: 503, filtered: true };
      await during(app, "down", async () => {
        const page = await client.get("/api/v1/context/plain");
        assert.deepEqual([page.status, json(page), page.headers.get("x-before")], [503, failed, "yes"]);
      });
      await during(app, "read-only", async () => {
        const saved = await client.get("/api/v1/own/passthrough");
        assert.deepEqual([saved.status, json(saved), saved.headers.get("set-cookie")], [503, failed, null]);
        const streamed = await client.get("/api/v1/context/events");
        const asFilter = JSON.stringify(failed);
        assert.deepEqual(
          [streamed.status, streamed.text],
          [503, app.platform === "express" ? asFilter : "Service Unavailable"],
        );
        const login = await client.post("/api/v1/own/login");
        assert.deepEqual([login.status, json(login)], [503, failed]);
      });
      assert.equal(json(await client.get("/api/v1/own/passthrough")).n, 2);
    },
  ),
  one("without a filter, a storage that is down is 503 as Nest sends it, and says no more", async (app) => {
    const client = new WebClient(app.origin);
    await client.post("/increment");
    await during(app, "down", async () => {
      const page = await client.get("/data");
      assert.deepEqual([page.status, json(page)], [503, { statusCode: 503, message: "Service Unavailable" }]);
    });
  }),
  one("GraphQL: a resolver has the session, its guard, and a login", async (_app, client) => {
    const ask = async (query: string): Promise<any> => json(await client.query("/graphql", query));
    assert.deepEqual(await ask("{ counted }"), { data: { counted: 1 } });
    assert.equal((await ask("{ account }")).errors[0].extensions.code, "UNAUTHENTICATED");
    assert.deepEqual(await ask("mutation { login }"), { data: { login: true } });
    assert.deepEqual(await ask("{ account counted }"), { data: { account: "ann", counted: 2 } });
  }),
  one("a gateway reads the session in the handshake, and again for each message", async (app, client) => {
    await client.get("/api/v1/own/passthrough");
    const { socket, ask } = await connected(app, client.cookie("session_id")!);
    assert.deepEqual(await ask("count"), { event: "counted", data: 2 });
    await client.get("/api/v1/own/passthrough");
    assert.deepEqual(await ask("count"), { event: "counted", data: 4 });
    socket.send(JSON.stringify({ event: "wrong" })); // Nest 11 does not tell clients of ws.
    await prints(app, /keep client\.session = await sessions\.read\(request\) in handleConnection/);
    socket.close();
    assert.equal(json(await client.get("/api/v1/context/store")).n, 4);
  }),
  one("a microservice has no session, and says what to use; the store finds one by its id", async (app, client) => {
    await client.post("/api/v1/own/login");
    const { id } = json(await client.get("/api/v1/context/store"));
    assert.equal((await message(app.jobs, "owner", id)).response, "ann");
    assert.equal((await message(app.jobs, "wrong", null)).err.message, "Internal server error");
    await prints(app, /a message of a microservice has no session; send session\.id in it/);
  }),
  one("the example's own test, with @nestjs/testing and supertest, ends by itself", async ({ directory }) => {
    const said = await runProgram(process.execPath, ["--test", "dist/test/app.e2e.js"], directory);
    assert.match(said, /pass 3\n/);
  }),
];

interface Client {
  readonly socket: { send(text: string): void; close(): void };
  ask(event: string): Promise<any>;
}

/** A client of the gateway. */
async function connected({ directory, own }: NestApp, token: string): Promise<Client> {
  const { WebSocket } = await packageOf(directory, "ws");
  const socket = new WebSocket(`${own.replace("http", "ws")}/events`, { headers: { Cookie: `session_id=${token}` } });
  await once(socket, "open");
  const ask = async (event: string): Promise<unknown> => {
    socket.send(JSON.stringify({ event }));
    const [data] = (await once(socket, "message")) as [Buffer];
    return JSON.parse(data.toString());
  };
  return { socket, ask };
}

/** Sends a message to the microservice, in the format of Nest's TCP transport, and returns what it replies. */
async function message(port: number, pattern: string, data: unknown): Promise<any> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const text = JSON.stringify({ pattern, data, id: "1" });
  socket.write(`${text.length}#${text}`);
  const [reply] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  return JSON.parse(reply.toString().replace(/^\d+#/, ""));
}
