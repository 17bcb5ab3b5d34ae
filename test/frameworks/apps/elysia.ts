import assert from "node:assert/strict";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { WebSocket } from "ws";
import { browserStory } from "../browser-story.js";
import { freePort, inWorkshop, runProgram, startServer, workshop } from "../built.js";
import type { Framework, OwnCase, RunningApp } from "../framework.js";
import { fromNpm, root, runtimeFromNpm } from "../packages.js";
import { WebClient, type Page } from "../web-client.js";

const cookiesOf = ({ headers }: Page): string[] =>
  headers
    .getSetCookie()
    .map((line) => line.split("=")[0]!)
    .toSorted();

async function dataOf(client: WebClient): Promise<unknown> {
  return (JSON.parse((await client.get("/data")).text) as { data: unknown }).data;
}

/** A case on several routes: each stores one key, beside what the framework does with its response. */
function keeps(path: string, data: object, check: (page: Page) => void): OwnCase["run"] {
  return async ({ origin }) => {
    const client = new WebClient(origin);
    const page = await client.get(path);
    check(page);
    assert.match(page.headers.get("cache-control") ?? "", /no-store/, path);
    assert.deepEqual(await dataOf(client), data, path);
  };
}

/** Opens a socket in the session of a client; `next` waits for its next message. */
async function socketOf(app: RunningApp, client: WebClient): Promise<{ socket: WebSocket; next(): Promise<string> }> {
  const token = client.cookie("session_id");
  const headers = token === undefined ? {} : { cookie: `session_id=${token}` };
  const socket = new WebSocket(`${app.origin.replace("http", "ws")}/socket`, { headers });
  const texts: string[] = [];
  socket.on("message", (data: Buffer) => void texts.push(String(data)));
  await once(socket, "open");
  const next = async (): Promise<string> => {
    if (texts.length === 0) await once(socket, "message");
    return texts.shift()!;
  };
  return { socket, next };
}

/** What only Elysia has. */
const CASES: readonly OwnCase[] = [
  {
    name: "cookies, headers and the status that a handler sets are beside those of the session",
    async run(app) {
      await keeps("/jar", { jar: "yes" }, (page) => {
        assert.equal(page.status, 201);
        assert.equal(page.headers.get("x-own"), "1");
        assert.deepEqual(cookiesOf(page), ["other", "own", "session_id"]);
      })(app, "");
      await keeps("/jar/redirect", { jar: "yes" }, (page) => {
        assert.equal(page.status, 302);
        assert.deepEqual(cookiesOf(page), ["own", "session_id"]);
      })(app, "");
      await keeps("/header", { jar: "yes" }, (page) => assert.deepEqual(cookiesOf(page), ["own", "session_id"]))(
        app,
        "",
      );
      await keeps("/response", { jar: "yes" }, (page) => {
        assert.equal(page.status, 203);
        assert.equal(page.text, "own");
        assert.deepEqual(cookiesOf(page), ["own", "session_id"]);
      })(app, "");
    },
  },
  {
    name: "status() that is returned and an error that onError handles carry the cookie",
    async run(app) {
      const check = (status: number, text: RegExp) => (page: Page) => {
        assert.equal(page.status, status);
        assert.match(page.text, text);
        assert.deepEqual(cookiesOf(page), ["session_id"]);
      };
      await keeps("/status", { status: "returned" }, check(409, /^returned$/))(app, "");
      await keeps("/handled", { handled: "yes" }, check(418, /^handled$/))(app, "");
    },
  },
  {
    name: "a file keeps its type and its length, and carries the cookie",
    async run(app) {
      await keeps("/file", { file: "yes" }, (page) => {
        assert.equal(Number(page.headers.get("content-length")), page.text.length);
        assert.deepEqual(cookiesOf(page), ["session_id"]);
      })(app, "");
      await keeps("/blob", { file: "yes" }, (page) => {
        assert.equal(page.text, "<p>text");
        assert.match(page.headers.get("content-type")!, /^text\/plain/);
      })(app, "");
    },
  },
  {
    name: "a client that disconnects from a file ends nothing but its own request",
    async run({ origin }) {
      const client = new WebClient(origin);
      await client.post("/login", { user: "ann" });
      const headers = { cookie: `session_id=${client.cookie("session_id")}` };
      for (let i = 0; i < 3; i += 1)
        await fetch(`${origin}/file`, { headers }).then(
          (response) => response.body?.cancel(),
          () => {},
        );
      assert.deepEqual(await dataOf(client), { file: "yes" });
    },
  },
  {
    name: "status() that is thrown carries the cookie",
    run: (app) =>
      keeps("/status/thrown", { status: "thrown" }, (page) => {
        assert.equal(page.status, 403);
        assert.equal(page.text, "thrown");
      })(app, ""),
  },
  {
    name: "a generator sends events with the cookie, and what it changes later is stored",
    async run({ origin }) {
      const client = new WebClient(origin);
      const first = await client.get("/sse");
      assert.match(first.text, /event: first\n.*event: second\n/s);
      assert.ok(cookiesOf(first).includes("session_id"));
      assert.equal(first.headers.get("x-own"), "1");
      await client.get("/sse");
      assert.deepEqual(await dataOf(client), { sse: "yes", late: "yes" });
    },
  },
  {
    name: "onError has the session also if no route fits or the body is wrong",
    async run({ origin }) {
      const client = new WebClient(origin);
      await client.post("/login", { user: "ann" });
      const missing = await client.get("/nowhere");
      assert.equal(missing.status, 404);
      assert.equal(missing.headers.get("x-owner"), "ann");
      const cookie = `session_id=${client.cookie("session_id")}`;
      const headers = { "content-type": "application/json", cookie, origin };
      const wrong = await fetch(`${origin}/set`, { method: "POST", body: "{", headers });
      assert.ok(wrong.status >= 400);
      assert.equal(wrong.headers.get("x-owner"), "ann");
    },
  },
  {
    name: "groups, guards, macros and plugins have the session",
    async run({ origin }) {
      const client = new WebClient(origin);
      assert.equal((await client.get("/guarded")).status, 401);
      assert.equal((await client.get("/group/owner")).text, "nobody");
      await client.post("/login", { user: "ann" });
      for (const path of ["/guarded", "/group/owner", "/plugin/owner"])
        assert.equal((await client.get(path)).text, "ann", path);
    },
  },
  {
    name: "a mounted handler finds it by currentSession(), and its response carries the cookie",
    run: (app) =>
      keeps("/mounted/page", { mounted: "yes" }, (page) => {
        assert.equal(page.status, 202);
        assert.equal(page.text, "mounted");
      })(app, ""),
  },
  {
    name: "a socket has the session of its upgrade and can save it, and a new session is refused there",
    async run(app) {
      const client = new WebClient(app.origin);
      await client.post("/login", { user: "ann" });
      const own = await socketOf(app, client);
      assert.equal(await own.next(), "owner ann");
      own.socket.send("hello");
      assert.equal(await own.next(), "saved");
      own.socket.close();
      assert.deepEqual(await dataOf(client), { said: "hello" });
      const other = await socketOf(app, new WebClient(app.origin));
      assert.equal(await other.next(), "owner nobody");
      other.socket.send("hello");
      assert.equal(await other.next(), "refused answered");
      other.socket.close();
    },
  },
  {
    name: "forms that another site sends are refused",
    async run({ origin }) {
      const client = new WebClient(origin);
      assert.equal((await client.post("/increment", {}, { "sec-fetch-site": "cross-site" })).status, 403);
      assert.equal((await client.post("/increment", {}, { "sec-fetch-site": "same-origin" })).status, 200);
    },
  },
];

interface ElysiaApp extends RunningApp {
  readonly directory: string;
}

/** Once: TypeScript knows nothing of runtimes, and the example is for Bun. */
const EXAMPLE_CASES: readonly OwnCase[] = [
  {
    name: "TypeScript knows the session in handlers, guards, macros, plugins and sockets",
    async run(app) {
      const { directory } = app as ElysiaApp;
      const tsc = join(directory, "node_modules", "typescript", "bin", "tsc");
      const example = join(directory, "example");
      await runProgram(process.execPath, [tsc, "-p", example], directory);
      cpSync(join(directory, "types.ts"), join(example, "types.ts"));
      await runProgram(process.execPath, [tsc, "-p", example], directory);
    },
  },
  {
    name: "the example in Chromium: log in, redirect, back, two tabs, log out",
    async run(app) {
      const port = await freePort();
      const cwd = join((app as ElysiaApp).directory, "example");
      const env = { PORT: String(port), HOST: "127.0.0.1" };
      const serving = await startServer(runtimeFromNpm("bun"), ["index.ts"], { cwd, port, env });
      try {
        await browserStory(`http://localhost:${port}`);
      } finally {
        await serving.close();
      }
    },
  },
];

const THROWN = "status() that is thrown carries the cookie";
const UNCOMPILED =
  "Elysia without compilation sends an empty 500 for status() that is thrown, also without a session";
const FILE = "a file keeps its type and its length, and carries the cookie";
const TWICE = "Elysia on Node sends files with two lengths, which clients refuse, also without a session";

/** Elysia on Bun, and on Node with its adapter, compiled and not: `1.4.30 node aot:false`. */
export const elysia: Framework = {
  name: "elysia",
  versions: ["1.4.30 bun", "1.4.30 bun aot:false", "1.4.30 node", "1.4.30 node aot:false"],
  withoutIn: {
    [`1.4.30 bun aot:false ${THROWN}`]: UNCOMPILED,
    [`1.4.30 node aot:false ${THROWN}`]: UNCOMPILED,
    [`1.4.30 node ${FILE}`]: TWICE,
    [`1.4.30 node aot:false ${FILE}`]: TWICE,
  },
  async start(title) {
    const [version = "", runtime = "", mode] = title.split(" ");
    const packages = { elysia: version, "@elysiajs/node": "1.4.5", "@types/node": "20.19.43", typescript: "5.9.3" };
    const { directory, remove } = workshop(`elysia-${title.replace(/\W+/g, "-")}`, fromNpm(packages), {
      "test/frameworks/elysia": ".",
      "examples/elysia": "example",
    });
    cpSync(join(root, "test/frameworks/sites/story.js"), join(directory, "story.js"));
    return inWorkshop({ directory, remove }, async () => {
      const port = await freePort();
      const env = { PORT: String(port), AOT: String(mode === undefined) };
      const serving = await startServer(runtimeFromNpm(runtime), ["app.js"], { cwd: directory, port, env });
      const app: ElysiaApp = { ...serving, directory };
      return app;
    });
  },
  own: CASES,
  ownIn: (version) => (version.endsWith(" bun") ? EXAMPLE_CASES : []),
};
