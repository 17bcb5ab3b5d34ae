import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../support/client.js";
import { aWhile } from "../support/within.js";
import { start } from "./running.js";

test("a background job changes the session after its request, and explicitly", async (t) => {
  const { origin } = await start(t, "background-job.js");
  const [client, other] = [new Client(origin), new Client(origin)];
  assert.deepEqual((await client.get("/report")).json(), { report: "none" });
  assert.deepEqual((await client.post("/report")).json(), { report: "begun" });
  await ready(client);
  assert.deepEqual((await client.get("/readings")).json(), { readings: 1 });
  await client.get("/report");
  assert.deepEqual((await client.get("/readings")).json(), { readings: 2 });
  assert.deepEqual((await other.get("/report")).json(), { report: "none" });
});

test("store pattern: without the middleware, save() stores and sets the cookie, without save() nothing is stored", async (t) => {
  const { origin } = await start(t, "store-pattern.js");
  const client = new Client(origin);
  assert.deepEqual((await client.get("/vote")).json(), { votes: 0 });
  assert.equal(client.cookies.size, 0);
  assert.deepEqual((await client.post("/vote")).json(), { votes: 1 });
  assert.deepEqual((await client.post("/vote")).json(), { votes: 2 });
  assert.deepEqual((await client.get("/vote")).json(), { votes: 2 });
});

async function ready(client: Client): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await client.get("/report")).json().report === "ready") return;
    await aWhile(10);
  }
  assert.fail("the report never became ready");
}
