import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../support/client.js";
import { start } from "./running.js";

test("tenants: each one's cookie has its attributes, also when it is removed; a host of nobody's is refused", async (t) => {
  const { origin } = await start(t, "tenants.js");
  const tails = {
    "shop.acme.example": "; Path=/; Domain=acme.example; HttpOnly; SameSite=Lax; Secure",
    "help.acme.example": "; Path=/; Domain=acme.example; HttpOnly; SameSite=Lax; Secure",
    "bank.example": "; Path=/; HttpOnly; SameSite=Strict; Secure",
  };
  for (const [host, tail] of Object.entries(tails)) {
    const client = new Client(origin);
    const first = await client.get("/", { headers: { host } });
    assert.match(first.cookie("session_id")!, /^session_id=[\w-]{43}; Max-Age=1800; /);
    assert.ok(first.cookie("session_id")!.endsWith(tail), first.cookie("session_id"));
    assert.equal((await client.get("/", { headers: { host } })).json().visits, 2);
    const out = await client.post("/logout", { headers: { host } });
    assert.match(out.cookie("session_id")!, /^session_id=; Max-Age=0; /);
    assert.ok(out.cookie("session_id")!.endsWith(tail), out.cookie("session_id"));
  }
  assert.equal((await new Client(origin).get("/", { headers: { host: "evil.example" } })).status, 421);
});
