import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { pageAt, root } from "../docs/pages.js";
import { Client } from "../support/client.js";
import { socketPackage } from "../support/socket-packages.js";
import { within } from "../support/within.js";
import { programOf } from "./start.js";

/** The programs of docs/tasks/sockets.md for Bun and Deno, run by them as they stand there. */

const { WebSocket } = socketPackage("ws");
const ARGS = { bun: ["run"], deno: ["run", "--quiet", "--no-check", "--allow-all"] } as const;

for (const runtime of ["bun", "deno"] as const) {
  test(`sockets, ${runtime}: the session is read, changed and saved; a logout closes the socket at its next message`, async (t) => {
    const origin = await started(t, runtime);
    const client = new Client(origin);
    assert.equal((await client.get("/")).body, "welcome");
    const socket = await opened(t, origin, client.cookieHeader);
    assert.deepEqual([await said(socket), await said(socket)], ["ann 1", "ann 2"]);
    const second = await opened(t, origin, client.cookieHeader);
    assert.equal(await said(second), "ann 3", "it is stored, not kept by the socket");
    assert.equal(await said(socket), "ann 4", "a change by another socket is seen");
    assert.equal(await refusedWith(t, origin, ""), 401);
    assert.equal((await client.get("/logout")).body, "goodbye");
    const closed = within(5000, "the close", once(socket, "close"));
    socket.send("three");
    assert.deepEqual((await closed)[0], 4401);
  });
}

async function started(t: TestContext, runtime: "bun" | "deno"): Promise<string> {
  const code = pageAt("tasks/sockets").blocks.find(({ code }) => code.startsWith(`// example: ${runtime}\n`))!.code;
  const directory = mkdtempSync(join(tmpdir(), "holdfast-sockets-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "program.ts");
  const library = pathToFileURL(join(root, "dist", "adapters", "fetch.js")).href;
  writeFileSync(file, code.replace('"holdfast/fetch"', JSON.stringify(library)));
  const child = spawn(programOf(runtime), [...ARGS[runtime], file], {
    env: { ...process.env, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => void child.kill("SIGKILL"));
  const [line] = await within(10_000, `the address on ${runtime}`, once(child.stdout.setEncoding("utf8"), "data"));
  return String(line).trim();
}

function socketTo(t: TestContext, origin: string, cookie: string): any {
  const socket = new WebSocket(`${origin.replace("http", "ws")}/socket`, {
    headers: cookie === "" ? {} : { cookie },
  });
  t.after(() => socket.terminate());
  return socket;
}

async function opened(t: TestContext, origin: string, cookie: string): Promise<any> {
  const socket = socketTo(t, origin, cookie);
  await within(5000, "the socket", once(socket, "open"));
  return socket;
}

async function refusedWith(t: TestContext, origin: string, cookie: string): Promise<number> {
  const socket = socketTo(t, origin, cookie).on("error", () => {});
  const [, response] = await within(5000, "the refusal", once(socket, "unexpected-response"));
  return response.statusCode as number;
}

async function said(socket: any): Promise<string> {
  const heard = once(socket, "message");
  socket.send("one more");
  const [data] = await within(5000, "an answer", heard);
  return String(data);
}
