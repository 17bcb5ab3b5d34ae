import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../support/client.js";
import { start } from "./running.js";

test("an API counts calls by the token in a header, and remembers the time of the last", async (t) => {
  const { origin } = await start(t, "token-api.js");
  const client = new Client(origin);
  const first = await client.post("/api/data");
  const token = String(first.headers["x-session-token"]);
  assert.match(token, /^[\w-]{43}$/);
  assert.deepEqual([first.json().calls, first.json().before, first.setCookies], [1, null, []]);

  const second = await client.post("/api/data", { headers: { "X-Session-Token": token } });
  assert.equal(second.json().calls, 2);
  assert.equal(second.json().before, first.json().lastCall);
  assert.ok(second.json().lastCall >= second.json().before);
  assert.equal((await client.post("/api/data", { headers: { Cookie: `X-Session-Token=${token}` } })).json().calls, 1);
  assert.equal((await client.post("/api/data", { headers: { "X-Session-Token": [token, token] } })).json().calls, 1);
});
