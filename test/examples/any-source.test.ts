import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, type Sent } from "../support/client.js";
import { start } from "./running.js";

test("a service finds the session by cookie, then header, then query, and returns its id", async (t) => {
  const { origin } = await start(t, "any-source.js");
  const begin = async (): Promise<{ id: string; token: string }> => {
    const answer = await new Client(origin).get("/");
    const token = String(answer.headers["x-session-id"]);
    assert.match(answer.cookie("session_id") ?? "", new RegExp(`^session_id=${token};`));
    return { id: answer.json().id, token };
  };
  const [a, b, c] = [await begin(), await begin(), await begin()];
  const idBy = async (path: string, sent: Sent = {}): Promise<string> =>
    (await new Client(origin).get(path, sent)).json().id;

  assert.equal(await idBy("/", { headers: { Cookie: `session_id=${a.token}` } }), a.id);
  assert.equal(await idBy("/", { headers: { "X-Session-ID": b.token } }), b.id);
  assert.equal(await idBy(`/?session_id=${c.token}`), c.id);
  assert.equal(await idBy(`/?session_id=${c.token}`, { headers: { "X-Session-ID": b.token } }), b.id);
  assert.equal(
    await idBy(`/?session_id=${c.token}`, { headers: { "X-Session-ID": b.token, Cookie: `session_id=${a.token}` } }),
    a.id,
  );
  assert.equal(new Set([a.id, b.id, c.id, a.token, b.token, c.token]).size, 6);
});
