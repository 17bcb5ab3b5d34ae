import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { Client } from "../support/client.js";
import { socketPackage, socketPackages } from "../support/socket-packages.js";
import { within } from "../support/within.js";
import { pageAt, root } from "./pages.js";

/** The programs of docs/tasks/sockets.md, each run as it stands there, with the packages it names. */

const { WebSocket } = socketPackage("ws");

const programs = pageAt("tasks/sockets")
  .blocks.filter(({ language }) => language === "js")
  .map(({ code }) => [/^\/\/ example: (\S+)/.exec(code)?.[1], code] as const);

/** Where the programs' imports are found: the packages, and beside them the library as it is built. */
function installed(): string {
  const own = join(socketPackages, "node_modules", "holdfast");
  if (!existsSync(own)) symlinkSync(root, own, "junction");
  return socketPackages;
}

async function started(t: TestContext, name: string, code: string): Promise<string> {
  const file = join(installed(), `${name}-${process.pid}.mjs`);
  writeFileSync(file, code);
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, PORT: "0" },
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

const REFUSED: Readonly<Record<string, string>> = {
  ws: "401",
  "express-ws": "4401",
  fastify: "401",
  "socket.io": "who are you?",
};

test("every recipe is a program with a name", () => {
  assert.deepEqual(
    programs.map(([name]) => name),
    Object.keys(REFUSED),
  );
});

for (const [name = "", code] of programs) {
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
