import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { chain, createStore, fromAuthHeader, fromCookie, fromHeader, fromQuery } from "holdfast";
import { session, type Sessions } from "holdfast/node";
import { memoryStorage } from "holdfast/storage/memory";
import { seed } from "holdfast/testing";

interface Data {
  user: string;
}

async function whoAmI(sessions: Sessions<Data>, headers: Record<string, string>): Promise<string> {
  const server = createServer(sessions((req, res) => res.end(req.session.get("user") ?? "nobody"))).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  try {
    return await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers })).text();
  } finally {
    server.close();
  }
}

const EXTRACTORS = {
  "the default cookie": undefined,
  "a cookie with a name": fromCookie("__Host-sid"),
  "a header": fromHeader("X-Session-ID"),
  "an Authorization header": fromAuthHeader(),
  "a chain": chain(fromHeader("X-Session-ID"), fromCookie("sid"), fromCookie("sid2"), fromQuery("s")),
};

for (const [name, extractor] of Object.entries(EXTRACTORS)) {
  test(`a seeded session is opened by the headers that were answered: ${name}`, async () => {
    const sessions = session<Data>({ storage: memoryStorage(), ...(extractor && { extractor }) });
    assert.equal(await whoAmI(sessions, await seed(sessions, { user: "ada" })), "ada");
    assert.equal(await whoAmI(sessions, {}), "nobody");
  });
}

test("a store is seeded for the default cookie", async () => {
  const store = createStore<Data>({ storage: memoryStorage() });
  const { cookie, ...others } = await seed(store, { user: "ada" });
  assert.deepEqual(others, {});
  assert.match(cookie!, /^session_id=[\w-]{43}$/);
  assert.equal(await whoAmI(session<Data>({ store }), { cookie: cookie! }), "ada");
});

test("seed refuses what it cannot serve, and stores nothing then", async () => {
  const storage = memoryStorage();
  await assert.rejects(
    seed(session<Data>({ storage, extractor: fromQuery("s") }), { user: "ada" }),
    /reads no header/,
  );
  await assert.rejects(seed({ store: createStore<Data>({ storage }) }), TypeError);
  assert.equal(storage.size, 0);
});
