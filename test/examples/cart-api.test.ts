import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, type Answer } from "../support/client.js";
import { start } from "./running.js";

const COOKIE = "__Host-cart_session";
const INES = { username: "ines", password: "tidewater" };

test("a cart survives login, the old token does not, and logout ends it all", async (t) => {
  const { origin } = await start(t, "cart-api.js");
  const shopper = new Client(origin);
  const added = await post(shopper, "/cart/add", { item: "rope" });
  assert.deepEqual(added.json(), { items: 1 });
  assert.match(
    added.cookie(COOKIE) ?? "",
    /^__Host-cart_session=[\w-]{43}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  );
  assert.deepEqual((await post(shopper, "/cart/add", { item: "hook" })).json(), { items: 2 });

  const thief = clientWith(origin, shopper.cookieHeader);
  const refused = await post(shopper, "/login", { ...INES, password: "wrong" });
  assert.deepEqual([refused.status, refused.json()], [401, { error: "Invalid credentials" }]);
  assert.deepEqual((await post(shopper, "/login", INES)).json(), { status: "logged in" });
  assert.notEqual(shopper.cookieHeader, thief.cookieHeader);
  assert.deepEqual((await shopper.get("/orders/draft")).json(), { userId: 1, cart: ["rope", "hook"] });
  assert.equal((await thief.get("/orders/draft")).headers.location, "/login");

  const last = clientWith(origin, shopper.cookieHeader);
  const out = await post(shopper, "/logout", undefined);
  assert.deepEqual(out.json(), { status: "logged out" });
  assert.match(out.cookie(COOKIE) ?? "", /^__Host-cart_session=; Max-Age=0;/);
  assert.equal((await last.get("/orders/draft")).status, 303);
  assert.deepEqual((await post(last, "/cart/add", { item: "peg" })).json(), { items: 1 });
});

test("the guard redirects visitors who are not signed in, also without a session", async (t) => {
  const { origin } = await start(t, "cart-api.js");
  const stranger = new Client(origin);
  const answer = await stranger.get("/orders/draft");
  assert.deepEqual([answer.status, answer.headers.location, answer.setCookies], [303, "/login", []]);
  await post(stranger, "/cart/add", { item: "rope" });
  assert.equal((await stranger.get("/orders/draft")).status, 303);
});

test("bodies that are no item and no credentials are refused, and leave no session", async (t) => {
  const { origin } = await start(t, "cart-api.js");
  const client = new Client(origin);
  assert.equal((await client.post("/cart/add")).status, 400);
  assert.equal((await post(client, "/cart/add", { item: { $ne: null } })).status, 400);
  assert.equal(
    (await client.post("/cart/add", { headers: { "content-type": "application/json" }, body: "{" })).status,
    400,
  );
  assert.equal((await client.post("/login")).status, 401);
  assert.equal(client.cookies.size, 0);
});

function post(client: Client, path: string, body: unknown): Promise<Answer> {
  return client.post(path, { headers: { "content-type": "application/json" }, body: JSON.stringify(body) ?? "" });
}

function clientWith(origin: string, cookieHeader: string): Client {
  const client = new Client(origin);
  client.cookies.set(COOKIE, cookieHeader.slice(COOKIE.length + 1));
  return client;
}
