import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../support/client.js";
import { start } from "./running.js";

test("a message is shown once, and the provider's callback counts once", async (t) => {
  const { origin } = await start(t, "one-time.js");
  const client = new Client(origin);
  const provider = (await client.get("/login")).headers.location!;
  const callback = (await client.get(provider)).headers.location!;
  const forged = await client.get(callback.replace(/state=[^&]+/, "state=forged"));
  assert.equal(forged.status, 403);
  assert.equal((await client.get(callback)).status, 403, "the state was used up by the forged answer");

  const again = (await client.get((await client.get("/login")).headers.location!)).headers.location!;
  const both = await Promise.all([client.get(again), client.get(again), client.get(again)]);
  const [winner, ...others] = both.toSorted((a, b) => a.status - b.status);
  assert.equal(winner!.status, 302, "of those that come at once, one");
  // 409: the login of the winner has renewed the session meanwhile.
  for (const { status } of others) assert.ok(status === 403 || status === 409, `one of them: ${status}`);
  client.cookies.set("session_id", winner!.cookie("session_id")!.split(";")[0]!.slice("session_id=".length));
  assert.deepEqual((await client.get("/")).json(), { signedInAs: "7", message: "Welcome back" });
  assert.deepEqual((await client.get("/")).json(), { signedInAs: "7", message: null });
});
