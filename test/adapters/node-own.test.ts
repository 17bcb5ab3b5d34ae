import assert from "node:assert/strict";
import { createServer, type IncomingMessage } from "node:http";
import { test } from "node:test";
import { getSession, session, type SessionRequest } from "holdfast/node";
import { memoryStorage } from "holdfast/storage/memory";
import { listening } from "../support/apps/serving.js";
import { Client } from "../support/client.js";

interface Data {
  seen: string;
}

const WRAPPED: Readonly<Record<string, (req: IncomingMessage) => IncomingMessage>> = {
  "a proxy of it": (req) => new Proxy(req, {}),
  "an object that inherits from it": (req) => Object.create(req) as IncomingMessage,
  "a proxy of an object that inherits from it": (req) => new Proxy(Object.create(req) as IncomingMessage, {}),
};

for (const [what, wrapped] of Object.entries(WRAPPED)) {
  test(`the session of a request is read through ${what}`, async (t) => {
    const sessions = session<Data>({ storage: memoryStorage() });
    const served = await listening(
      createServer(
        sessions((req, res) => {
          const seen = wrapped(req) as SessionRequest<Data>;
          assert.equal(seen.session, req.session);
          assert.throws(() => Object.assign(seen, { session: {} }), TypeError);
          seen.session.set("seen", what);
          res.end(getSession<Data>(req).get("seen"));
        }),
      ),
      [],
      [],
    );
    t.after(() => served.close());
    const answer = await new Client(served.origin).get("/");
    assert.equal(answer.status, 200);
    assert.equal(answer.body, what);
  });
}

test("a request shows nothing of its session to what lists or copies its properties", async (t) => {
  const sessions = session<Data>({ storage: memoryStorage() });
  const served = await listening(createServer(sessions((req, res) => res.end(JSON.stringify(Object.keys({ ...req }).filter((name) => name === "session"))))), [], []);
  t.after(() => served.close());
  const answer = await new Client(served.origin).get("/");
  assert.equal(answer.body, "[]");
});
