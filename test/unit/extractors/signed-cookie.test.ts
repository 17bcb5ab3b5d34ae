import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { fromSignedCookie } from "holdfast";
import { session } from "holdfast/node";
import { Client } from "../../support/client.js";
import { watched, type WatchedStorage } from "../../support/storages.js";

async function serving(t: TestContext, storage: WatchedStorage, secrets: readonly string[]): Promise<Client> {
  const sessions = session<{ n: number }>({ storage, extractor: fromSignedCookie("sid", secrets) });
  const server = createServer(
    sessions((req, res) => {
      const own = sessions.get(req);
      if (req.url === "/put") own.set("n", 1);
      res.end(String(own.get("n")));
    }),
  ).listen(0, "127.0.0.1");
  t.after(() => (server.closeAllConnections(), server.close()));
  await new Promise((resolve) => server.once("listening", resolve));
  return new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

test("a signed cookie is read and written; secrets are rotated; without a signature it is nothing, and costs nothing", async (t) => {
  const storage = watched();
  const old = await serving(t, storage, ["old"]);
  await old.get("/put");
  const cookie = old.cookieHeader;
  assert.match(cookie, /^sid=s%3A[\w-]{43}\.[\w%+]{43,}$/);
  assert.equal((await old.get("/")).body, "1");
  const rotated = await serving(t, storage, ["new", "old"]);
  assert.equal((await rotated.get("/", { headers: { cookie } })).body, "1");
  const replaced = await serving(t, storage, ["new"]);
  const before = storage.calls.length;
  const values = [cookie, cookie.replace(/\..*/, ""), cookie.replace("s%3A", ""), `${cookie}x`, "sid=s%3A", "sid="];
  for (const one of values)
    assert.equal((await replaced.get("/", { headers: { cookie: one } })).body, "undefined", one);
  assert.equal(storage.calls.length, before);
});

test("secrets and names that cannot be are refused", () => {
  assert.throws(() => fromSignedCookie("a b", "secret"), TypeError);
  for (const secrets of ["", [], [""], undefined as never])
    assert.throws(() => fromSignedCookie("sid", secrets), TypeError, JSON.stringify(secrets));
});
