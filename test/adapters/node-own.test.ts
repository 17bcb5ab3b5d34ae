import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fromCookie, type SessionOptions, type Storage } from "holdfast";
import { getSession, loadSession, session, type SessionError, type SessionRequest } from "holdfast/node";
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
  const served = await listening(
    createServer(
      sessions((req, res) => res.end(JSON.stringify(Object.keys({ ...req }).filter((name) => name === "session")))),
    ),
    [],
    [],
  );
  t.after(() => served.close());
  const answer = await new Client(served.origin).get("/");
  assert.equal(answer.body, "[]");
});

type Handler = (req: SessionRequest<Data>, res: ServerResponse) => void | Promise<void>;

/**
 * A server whose answers end when the handler ends them; a client that has a session already, where one is put in
 * first.
 */
async function served(t: TestContext, options: SessionOptions, handler: Handler): Promise<Client> {
  const sessions = session<Data>({ storage: memoryStorage(), ...options });
  const begin: Handler = async (req, res) => {
    (await sessions.load(req)).set("seen", "begun");
    res.end();
  };
  const { origin, close } = await listening(
    createServer(
      sessions((req, res) =>
        req.url === "/begin"
          ? begin(req, res)
          : req.url === "/seen"
            ? void sessions.load(req).then((own) => res.end(own.get("seen")))
            : handler(req, res),
      ),
    ),
    [],
    [],
  );
  t.after(() => close());
  return new Client(origin);
}

test("a response whose session is not used is not held: no listener is added", async (t) => {
  for (const load of ["eager", "lazy"] as const) {
    const client = await served(t, { load }, (req, res) => {
      if (req.url === "/asked") void req.session;
      res.end(String(res.listenerCount("close")));
    });
    assert.equal((await client.get("/")).body, "0", load);
    if (load === "eager") assert.equal((await client.get("/asked")).body, "1");
  }
});

test("a visitor's session first used after the first byte refuses changes, because no cookie could be sent", async (t) => {
  let code: string | undefined;
  const client = await served(t, {}, (req, res) => {
    res.write("first byte, ");
    code = codeOf(() => req.session.set("seen", "too late"));
    res.end("last");
  });
  const answer = await client.get("/");
  assert.deepEqual([answer.body, code, answer.headers["set-cookie"]], ["first byte, last", "answered", undefined]);
});

test("a session that is loaded after the first byte is saved when the body ends", async (t) => {
  const client = await served(t, { load: "lazy" }, async (req, res) => {
    res.write("first byte, ");
    (await loadSession<Data>(req)).set("seen", "late");
    res.end("last");
  });
  await client.get("/begin");
  assert.equal((await client.get("/")).body, "first byte, last");
  assert.equal((await client.get("/seen")).body, "late");
});

test("a session first used after the response has ended refuses all changes", async (t) => {
  const codes: (string | undefined)[] = [];
  for (const load of ["eager", "lazy"] as const) {
    const client = await served(t, { load }, async (req, res) => {
      res.end("all");
      const own = await loadSession<Data>(req);
      codes.push(codeOf(() => own.set("seen", "too late")));
    });
    if (load === "lazy") await client.get("/begin");
    assert.equal((await client.get("/")).body, "all");
  }
  assert.deepEqual(codes, ["answered", "answered"]);
});

test("a session first used while another middleware's save holds the response refuses changes, too", async (t) => {
  const slow: Storage = memoryStorage();
  const storage: Storage = {
    get: (...call) => slow.get(...call),
    create: async (...call) => setTimeout(5).then(() => slow.create(...call)),
    update: (...call) => slow.update(...call),
    touch: (...call) => slow.touch(...call),
    delete: (...call) => slow.delete(...call),
  };
  const outer = session<Data>({ storage, extractor: fromCookie("outer") });
  const inner = session<Data>({ storage: memoryStorage(), extractor: fromCookie("inner") });
  const codes: (string | undefined)[] = [];
  const handler: Handler = (req, res) => {
    outer.get(req).set("seen", "outer");
    if (req.url === "/write") res.write("first byte, ");
    else res.end("all");
    codes.push(codeOf(() => inner.get(req).set("seen", "too late")));
    if (req.url === "/write") res.end("last");
  };
  const { origin, close } = await listening(createServer(outer((req, res) => inner(handler)(req, res))), [], []);
  t.after(() => close());
  const [whole, inPieces] = [await new Client(origin).get("/"), await new Client(origin).get("/write")];
  assert.deepEqual([whole.body, inPieces.body, codes], ["all", "first byte, last", ["answered", "answered"]]);
  for (const { headers } of [whole, inPieces]) assert.match(String(headers["set-cookie"]), /^outer=[^,]*$/);
});

function codeOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as SessionError).code;
  }
}
