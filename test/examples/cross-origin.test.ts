import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, type Sent } from "../support/client.js";
import { start } from "./running.js";

const PROVIDER = { "sec-fetch-site": "cross-site", origin: "https://login.example.com" };

test("cross-origin: forms of other sites are refused, the provider may post to its callback and nowhere else", async (t) => {
  const { origin } = await start(t, "cross-origin.js");
  const client = new Client(origin);
  const note = (headers: Sent["headers"] = {}): ReturnType<typeof client.post> =>
    client.post("/notes", { form: { note: "milk" }, headers: headers! });
  assert.equal((await note({ "sec-fetch-site": "same-origin", origin })).status, 303);
  assert.equal((await note()).status, 303);
  assert.equal((await note({ "sec-fetch-site": "cross-site", origin: "https://evil.example" })).status, 403);
  assert.equal((await note({ origin: "https://evil.example" })).status, 403);
  assert.equal((await note(PROVIDER)).status, 403);
  assert.deepEqual((await client.get("/notes")).json(), { signedInAs: null, notes: ["milk", "milk"] });
});

test("cross-origin: a login by form_post ends in the session that began it", async (t) => {
  const { origin } = await start(t, "cross-origin.js");
  const client = new Client(origin);
  const { location } = (await client.get("/login")).headers;
  const form = { code: "c-1", state: new URL(location!).searchParams.get("state")! };
  // A browser sends no cookie with a form of another site.
  const posted = await new Client(origin).post("/callback", { form, headers: PROVIDER });
  assert.equal(posted.status, 303);
  assert.deepEqual(posted.setCookies, []);
  assert.equal((await client.get(posted.headers.location!)).status, 302);
  assert.deepEqual((await client.get("/notes")).json(), { signedInAs: "user-7", notes: [] });
  assert.equal((await client.get(posted.headers.location!)).status, 403, "a second time");
  const evil = { "sec-fetch-site": "cross-site", origin: "https://evil.example" };
  assert.equal((await new Client(origin).post("/callback", { form, headers: evil })).status, 403);
});
