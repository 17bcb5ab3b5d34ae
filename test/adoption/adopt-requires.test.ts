import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

interface FromNpm {
  runtimeFromNpm(name: string): string;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const { runtimeFromNpm } = (await import(join(root, "scripts", "from-npm.mjs"))) as FromNpm;

/** An application in CommonJS, and one of modules: what they get, and a session over HTTP. */
const APPLICATION = `
const assert = require("node:assert/strict");
const http = require("node:http");
const session = require("holdfast/express-session");
assert.equal(typeof session, "function");
for (const name of ["Session", "Store", "MemoryStore", "Cookie", "update"]) assert.equal(typeof session[name], "function");
assert.equal(require("holdfast/express-session/session/store"), session.Store);
assert.equal(require("holdfast/express-session/session/memory"), session.MemoryStore);
assert.equal(require("holdfast/express-session/session/cookie"), session.Cookie);
assert.equal(require("holdfast/express-session/session/session"), session.Session);
function OldStore() { session.Store.call(this); }
require("node:util").inherits(OldStore, session.Store);
assert.ok(new OldStore() instanceof require("node:events"));
async function main() {
  assert.equal((await import("holdfast/express-session")).default, session);
  const sessions = session({ secret: "keyboard cat", resave: false, saveUninitialized: false });
  const server = http.createServer((req, res) => sessions(req, res, (error) => {
    if (error) return res.writeHead(500).end(String(error));
    req.session.n = (req.session.n ?? 0) + 1;
    res.end(String(req.session.n));
  })).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = "http://127.0.0.1:" + server.address().port;
  const first = await fetch(url);
  const cookie = first.headers.getSetCookie()[0].split(";")[0];
  assert.equal(await first.text(), "1");
  assert.equal(await (await fetch(url, { headers: { cookie } })).text(), "2");
  server.closeAllConnections();
  server.close();
  console.log(process.versions.node.split(".")[0]);
}
main();
`;

for (const version of ["20", "22", "24", "26"])
  test(`require("holdfast/express-session") is the function on Node ${version}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-requires-"));
    try {
      mkdirSync(join(directory, "node_modules"));
      symlinkSync(root, join(directory, "node_modules", "holdfast"), "junction");
      writeFileSync(join(directory, "application.cjs"), APPLICATION);
      const isThis = process.versions.node.startsWith(`${version}.`);
      const node = isThis ? process.execPath : runtimeFromNpm(`node${version}`);
      const env = { ...process.env, NODE_OPTIONS: "" };
      const { stdout, stderr } = await promisify(execFile)(node, ["application.cjs"], { cwd: directory, env });
      assert.deepEqual([stdout.trim(), stderr], [version, ""]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
