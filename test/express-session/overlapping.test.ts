import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import session, { update } from "holdfast/express-session";
import { COOKIE, endAll, PLACES, signal, stage, type AnyStore, type Req, type Res } from "./world.js";

afterEach(endAll);

/** A store whose next `set` calls back after `go`, although it has stored the session by then. */
function slowStore(): { readonly store: AnyStore; readonly reached: Promise<void>; readonly go: () => void } {
  const store = new session.MemoryStore() as AnyStore;
  const reached = signal();
  const wait = signal();
  store.set = ((id: string, data: unknown, callback: (error?: unknown) => void) => {
    delete (store as Partial<AnyStore>).set;
    store.set(id, data as never, () => void wait.promise.then(() => callback()));
    reached.give();
  }) as never;
  return { store, reached: reached.promise, go: wait.give };
}

const count = (req: Req): unknown => update(req, "count" as never, ((n: number = 0) => n + 1) as never);

test("store: an update while an earlier save is in progress is computed again from what others stored since", async () => {
  const { store, reached, go } = slowStore();
  const updated = signal();
  const { client } = await stage(
    "store",
    {
      "/twice": async (req: Req, res: Res) => {
        count(req);
        const saving = req.session.save();
        await reached;
        count(req);
        updated.give();
        await saving;
        await other;
        res.send(String(req.session.count));
      },
      "/once": (req: Req, res: Res) => (count(req), res.send("")),
      "/put": (req: Req, res: Res) => ((req.session.user = 1), res.send("")),
      "/get": (req: Req, res: Res) => res.send(String(req.session.count)),
    },
    { store },
  );
  const { set } = store;
  delete (store as Partial<AnyStore>).set;
  await client.get("/put");
  store.set = set;
  const other = updated.promise.then(() => client.get("/once"));
  const twice = client.get("/twice");
  await updated.promise;
  go();
  await twice;
  assert.equal((await client.get("/get")).body, "3");
});

test("store: a save that completes after the request got another session says nothing about that one", async () => {
  const { store, reached, go } = slowStore();
  const { client } = await stage(
    "store",
    {
      "/": async (req: Req, res: Res) => {
        req.session.user = 1;
        const saving = req.session.save();
        await reached;
        req.sessionStore.generate(req);
        go();
        await saving;
        req.session.user = 1;
        res.send("");
      },
      "/get": (req: Req, res: Res) => res.send(String(req.session.user)),
    },
    { store },
  );
  await client.get("/");
  assert.equal((await client.get("/get")).body, "1");
});

for (const place of PLACES)
  test(`${place}: a session that was ended and is put back onto the request has no cookie`, async () => {
    const { client } = await stage(
      place,
      {
        "/put": (req: Req, res: Res) => ((req.session.user = 1), res.send("")),
        "/out": async (req: Req, res: Res) => {
          const ended = req.session;
          await ended.destroy();
          req.session = ended;
          res.send("");
        },
      },
      { rolling: true },
    );
    await client.get("/put");
    assert.equal((await client.get("/out")).cookie(COOKIE), undefined);
  });

for (const place of PLACES)
  test(`${place}: an explicit save is about one session; an empty one in its place is not stored`, async () => {
    const { client } = await stage(
      place,
      {
        "/": async (req: Req, res: Res) => {
          await req.session.save();
          await req.session.regenerate();
          res.send("");
        },
      },
      { cookie: { secure: "auto" } },
    );
    assert.equal((await client.get("/")).cookie(COOKIE), undefined);
  });
