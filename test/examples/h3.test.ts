import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { startServer, freePort, workshop } from "../frameworks/built.js";
import { fromNpm } from "../frameworks/packages.js";
import { WebClient } from "../frameworks/web-client.js";

suite("the example of h3 2", () => {
  test("a cart, a login that keeps it, a guard, a logout that is final, and a form of another site", async (t) => {
    const { directory, remove } = workshop("h3-example", fromNpm({ h3: "2.0.8" }), { "examples/h3": "." });
    t.after(remove);
    const port = await freePort();
    const env = { PORT: String(port) };
    const serving = await startServer(process.execPath, ["server.js"], { cwd: directory, port, env });
    t.after(() => serving.close());
    const client = new WebClient(serving.origin);

    assert.equal((await client.get("/")).headers.getSetCookie().length, 0);
    assert.equal((await client.get("/account")).headers.get("location"), "/login");
    await client.post("/cart", { item: "<rope>" });
    const before = client.cookie("session_id");
    assert.equal((await client.post("/login", { user: "ann" })).headers.get("location"), "/account");
    assert.notEqual(client.cookie("session_id"), before);
    assert.equal((await client.get("/account")).text, "Account of ann");
    assert.match((await client.get("/")).text, /ann<\/p>\s+<ul id="cart">\s*&lt;rope&gt;/);

    assert.equal((await client.post("/cart", { item: "x" }, { "Sec-Fetch-Site": "cross-site" })).status, 403);
    const copy = client.cookie("session_id")!;
    await client.post("/logout");
    assert.equal(client.cookie("session_id"), undefined);
    const late = await fetch(`${serving.origin}/account`, {
      headers: { cookie: `session_id=${copy}` },
      redirect: "manual",
    });
    assert.equal(late.headers.get("location"), "/login");
  });
});
