/** A visitor of the example for Workers. */
import assert from "node:assert/strict";
import { begin, Client } from "../support/client.js";

const cart = (body: string): string[] => /Cart: ([^<]*)/.exec(body)![1]!.split(", ").toSorted();

/** A cart, two tabs, a login with redirects, the token of before, forms of other sites, and a final logout. */
export async function walk(origin: string): Promise<void> {
  const client = new Client(origin);
  assert.deepEqual(cart((await client.get("/")).body), ["empty"]);
  assert.equal(client.cookieHeader, "", "no session for a visitor");
  assert.equal((await client.get("/account")).headers.location, `${origin}/login`);
  await client.post("/cart", { form: { item: "anchor" } });
  const visitor = client.cookieHeader;
  const tabs = await Promise.all(["rope", "rope", "anchor"].map((item) => client.post("/cart", { form: { item } })));
  assert.deepEqual(
    tabs.map(({ status }) => status),
    [303, 303, 303],
  );
  assert.deepEqual(cart((await client.get("/")).body), ["anchor", "anchor", "rope", "rope"]);

  const wrong = await client.post("/login", { form: { name: "ann", password: "wrong" } });
  assert.equal(wrong.status, 401);
  const login = await client.post("/login", { form: { name: "ann", password: "secret" } });
  assert.deepEqual([login.status, login.headers.location], [303, `${origin}/account`]);
  assert.notEqual(client.cookieHeader, visitor);
  assert.match((await client.get("/account")).body, /The account of ann/);
  assert.equal(cart((await client.get("/")).body).length, 4, "kept");
  const old = await new Client(origin).get("/account", { headers: { cookie: visitor } });
  assert.equal(old.status, 303, "the token of before the login");

  const stolen = client.cookieHeader;
  const foreign = { form: {}, headers: { origin: "https://evil.example" } };
  assert.equal((await client.post("/logout", foreign)).status, 403, "a form of another site");
  const late = new Client(origin).post("/cart", { form: { item: "rope" }, headers: { cookie: stolen } });
  await client.post("/logout", { form: {} });
  await late;
  assert.equal(client.cookieHeader, "");
  for (const path of ["/account", "/"]) {
    const { status, body } = await new Client(origin).get(path, { headers: { cookie: stolen } });
    assert.ok(status === 303 || cart(body)[0] === "empty", "the logout is final");
  }
}

/** Visitors who leave in the midst of a request: the isolate serves the next one. */
export async function abandoned(origin: string): Promise<void> {
  const client = new Client(origin);
  await client.post("/cart", { form: { item: "rope" } });
  const headers = { cookie: client.cookieHeader };
  for (let i = 0; i < 20; i++) {
    const { req } = begin(origin, "/cart", { method: "POST", form: { item: "rope" }, headers });
    await new Promise<void>((resolve) => req.once("socket", (socket) => socket.once("connect", resolve)));
    if (i % 2 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    req.destroy();
  }
  await client.post("/cart", { form: { item: "anchor" } });
  const kept = cart((await client.get("/")).body);
  assert.equal(kept.filter((item) => item === "anchor").length, 1);
  assert.ok(kept.length >= 2 && kept.length <= 22);
}
