import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Client, type Answer } from "../support/client.js";
import { start } from "./running.js";

function post(client: Client, path: string, body: unknown = {}): Promise<Answer> {
  return client.post(path, { headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

async function loggedIn(origin: string, name: string): Promise<Client> {
  const client = new Client(origin);
  await post(client, "/login", { name });
  return client;
}

async function support(t: TestContext): Promise<{ origin: string; client: Client }> {
  const { origin } = await start(t, "impersonation.js");
  const client = await loggedIn(origin, "support");
  await post(client, "/notes", { note: "call ann back" });
  return { origin, client };
}

test("support acts as a customer and returns; neither has what is the other's", async (t) => {
  const { client } = await support(t);
  const cookie = client.cookieHeader;
  assert.equal((await post(client, "/act-as/ann")).status, 204);
  assert.deepEqual((await client.get("/")).json(), { owner: "ann", actor: "support", notes: [] });
  await post(client, "/notes", { note: "seen by support" });
  assert.equal((await post(client, "/pay")).status, 403);
  const acting = client.cookieHeader;
  assert.equal((await post(client, "/return")).status, 204);
  assert.deepEqual((await client.get("/")).json(), { owner: "support", actor: null, notes: ["call ann back"] });
  assert.equal((await post(client, "/pay")).status, 204);
  for (const old of [cookie, acting])
    assert.equal((await client.get("/", { headers: { cookie: old } })).json().owner, null);
});

test("nobody but support acts as another, a visitor least of all", async (t) => {
  const { origin } = await support(t);
  const ann = await loggedIn(origin, "ann");
  for (const client of [ann, new Client(origin)]) assert.equal((await post(client, "/act-as/bob")).status, 403);
  assert.equal((await ann.get("/")).json().owner, "ann");
});

test("the customer's log out everywhere ends it, and so does that of support elsewhere", async (t) => {
  for (const name of ["ann", "support"]) {
    const { origin, client } = await support(t);
    await post(client, "/act-as/ann");
    await post(await loggedIn(origin, name), "/logout-everywhere");
    assert.equal((await client.get("/")).json().owner, null, name);
  }
});
