import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { createClient } from "redis";
import { createStore } from "holdfast";
import { redisStorage } from "holdfast/storage/redis";
import { Client } from "../support/client.js";
import { withService } from "../support/services.js";
import { socketPackage, socketPackages } from "../support/socket-packages.js";
import { within } from "../support/within.js";
import { pageAt, root } from "./pages.js";

/**
 * The programs of docs/tasks/sockets.md, each run as it stands there, with the packages it names; those for Bun and
 * Deno are in test/runtimes/sockets.test.ts.
 */

const { WebSocket } = socketPackage("ws");

const ON_OTHER_RUNTIMES = ["bun", "deno"];
const programs = pageAt("tasks/sockets")
  .blocks.filter(({ language }) => language === "js")
  .map(({ code }) => [/^\/\/ example: (\S+)/.exec(code)?.[1] ?? "", code] as const)
  .filter(([name]) => !ON_OTHER_RUNTIMES.includes(name));

/** Where the programs' imports are found: the packages, and beside them the library as it is built. */
function installed(): string {
  const own = join(socketPackages, "node_modules", "holdfast");
  if (!existsSync(own)) symlinkSync(root, own, "junction");
  return socketPackages;
}

async function started(
  t: TestContext,
  name: string,
  code: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const file = join(installed(), `${name}-${process.pid}.mjs`);
  writeFileSync(file, code);
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, PORT: "0", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => void child.kill("SIGKILL"));
  const [line] = await within(10_000, `the address of ${name}`, once(child.stdout.setEncoding("utf8"), "data"));
  return String(line).trim();
}

/** What is heard on the socket after each message, or why there is no socket. */
async function talk(t: TestContext, origin: string, name: string, cookie: string): Promise<string[]> {
  const headers = cookie === "" ? {} : { cookie };
  if (name === "socket.io") {
    const socket = socketPackage("socket.io-client").io(origin, { extraHeaders: headers, forceNew: true });
    t.after(() => socket.close());
    const refused = new Promise<string[]>((resolve) =>
      socket.once("connect_error", (error: Error) => resolve([error.message])),
    );
    const said = (async () =>
      [await socket.emitWithAck("message", "one"), await socket.emitWithAck("message", "two")] as string[])();
    return within(5000, name, Promise.race([said, refused]));
  }
  const socket = new WebSocket(`${origin.replace("http", "ws")}/${name === "fastify" ? "socket" : ""}`, { headers });
  t.after(() => socket.terminate());
  const heard: string[] = [];
  const refused = new Promise<string[]>((resolve) => {
    socket.once("unexpected-response", (_req: unknown, res: { statusCode: number }) =>
      resolve([String(res.statusCode)]),
    );
    socket.once("close", (code: number) => resolve([String(code)])).on("error", () => {});
  });
  const said = (async () => {
    await once(socket, "open");
    for (const text of ["one", "two"]) {
      socket.send(text);
      const [data] = await once(socket, "message");
      heard.push(String(data));
    }
    return heard;
  })();
  said.catch(() => {});
  return within(5000, name, Promise.race([said, refused]));
}

/** The program that closes sockets of ended sessions. */
const ENDING = "ws-ends";

const REFUSED: Readonly<Record<string, string>> = {
  ws: "401",
  "express-ws": "4401",
  fastify: "401",
  "socket.io": "who are you?",
};

test("every recipe is a program with a name", () => {
  assert.deepEqual(
    programs.map(([name]) => name),
    [...Object.keys(REFUSED), ENDING],
  );
});

for (const [name, code] of programs.filter(([name]) => name !== ENDING)) {
  test(`sockets, ${name}: the session is read, changed and saved; a visitor is refused`, async (t) => {
    const origin = await started(t, name, code);
    const client = new Client(origin);
    assert.equal((await client.get("/")).body, "welcome");
    assert.deepEqual(await talk(t, origin, name, client.cookieHeader), ["ann 1", "ann 2"]);
    assert.deepEqual(
      await talk(t, origin, name, client.cookieHeader),
      ["ann 3", "ann 4"],
      "it is stored, not kept by the socket",
    );
    assert.deepEqual(await talk(t, origin, name, ""), [REFUSED[name]]);
  });
}

await withService("redis", ({ url }) => {
  const [, code] = programs.find(([name]) => name === ENDING)!;
  /** Two servers that share the storage; `askMs`: how often they look at the sessions of their sockets. */
  const servers = (t: TestContext, askMs: number) => {
    const env = { REDIS_URL: url, ASK_MS: String(askMs) };
    return Promise.all([started(t, `${ENDING}-a`, code, env), started(t, `${ENDING}-b`, code, env)]);
  };
  const NEVER = 3_600_000;

  for (const [how, path] of [
    ["a logout", "/logout"],
    ["log out everywhere", "/logout-everywhere"],
    ["a login with a new token", "/login"],
  ] as const) {
    test(`sockets: ${how} on another server closes the socket, by a message on the bus`, async (t) => {
      const [a, b] = await servers(t, NEVER);
      const { closed, client } = await loggedIn(t, a);
      const other = await loggedIn(t, a);
      const elsewhere = new Client(b);
      elsewhere.cookies.set("session_id", client.cookies.get("session_id")!);
      await elsewhere.get(path);
      assert.equal(await within(5000, "the close", closed), 4401);
      if (path !== "/logout-everywhere") assert.equal(other.socket.readyState, WebSocket.OPEN, "not that of another");
    });
  }

  test("sockets: a session ended by a program without the bus, or expired, closes the socket at the next question", async (t) => {
    const [a] = await servers(t, 50);
    const { closed, client } = await loggedIn(t, a);
    const still = await loggedIn(t, a);
    const redis = await createClient({ url }).connect();
    t.after(() => redis.close());
    const store = createStore({ storage: redisStorage(redis) });
    await store.delete(`id_${sha256(client.cookies.get("session_id")!)}`);
    assert.equal(await within(5000, "the close", closed), 4401);
    assert.equal(still.socket.readyState, WebSocket.OPEN);
    await store.edit(`id_${sha256(still.client.cookies.get("session_id")!)}`, (session) =>
      session.setIdleTimeout("1s"),
    );
    assert.equal(await within(5000, "the close after the expiry", still.closed), 4401);
  });

  test("sockets: a visitor is refused", async (t) => {
    const [a] = await servers(t, NEVER);
    assert.deepEqual(await talk(t, a, ENDING, ""), ["401"]);
  });
});

/** A socket of a user who has logged in, and the code that it is closed with. */
async function loggedIn(
  t: TestContext,
  origin: string,
): Promise<{ socket: any; client: Client; closed: Promise<number> }> {
  const client = new Client(origin);
  await client.get("/login");
  const socket = new WebSocket(origin.replace("http", "ws"), { headers: { cookie: client.cookieHeader } });
  t.after(() => socket.terminate());
  const [data] = await within(5000, "the welcome", once(socket, "message"));
  assert.equal(String(data), "welcome ann");
  return { socket, client, closed: once(socket, "close").then(([code]) => code as number) };
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
