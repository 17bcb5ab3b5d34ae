import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { session, type Sessions } from "holdfast/connect";
import { watched, type WatchedStorage } from "../support/storages.js";

interface Data {
  n: number;
}

/** What serves upgrades hands on in place of a response. */
const STAND_INS: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  "{}": () => ({}),
  "that of engine.io": () => ({
    setHeader() {},
    getHeader() {},
    removeHeader() {},
    write() {},
    writeHead() {},
    end() {},
  }),
};

interface Met {
  readonly sessions: Sessions<Data>;
  readonly storage: WatchedStorage;
  readonly token: string;
}

async function met(): Promise<Met> {
  const storage = watched();
  const sessions = session<Data>({ storage, refreshInterval: 0 });
  const { token } = await sessions.store.create({ n: 1 });
  storage.forget();
  return { sessions, storage, token };
}

/** What reaches `next`: nothing, or an error. */
function through({ sessions }: Met, req: IncomingMessage, res: unknown): Promise<unknown> {
  return new Promise((resolve) => sessions(req, res as ServerResponse, resolve));
}

function requestWith(token?: string): IncomingMessage {
  const headers = token === undefined ? {} : { cookie: `session_id=${token}` };
  return Object.assign(new EventEmitter(), {
    url: "/",
    method: "GET",
    headers,
    rawHeaders: [],
    socket: {},
  }) as unknown as IncomingMessage;
}

async function codeOf(act: () => unknown): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

for (const [says, standIn] of Object.entries(STAND_INS)) {
  test(`A14, A15: with ${says} as a response the session is read, and its changes are saved by save()`, async () => {
    const one = await met();
    const req = requestWith(one.token);
    assert.equal(await through(one, req, standIn()), undefined);
    const own = one.sessions.get(req);
    assert.equal(own.get("n"), 1);
    own.set("n", 2);
    await own.save();
    assert.deepEqual((await one.sessions.store.getByToken(one.token))?.get("n"), 2);
  });

  test(`A14, A15: with ${says} as a response, methods that need a new token reject`, async () => {
    const one = await met();
    const [known, visitor] = [requestWith(one.token), requestWith()];
    for (const req of [known, visitor]) assert.equal(await through(one, req, standIn()), undefined);
    const [own, fresh] = [one.sessions.get(known), one.sessions.get(visitor)];
    const codes = [
      () => own.regenerate(),
      () => own.authenticate("ann"),
      () => fresh.set("n", 1),
      () => fresh.save(),
    ].map(codeOf);
    assert.deepEqual(await Promise.all(codes), ["answered", "answered", "answered", "answered"]);
    assert.equal(one.storage.counts.create, undefined);
  });

  test(`A14, A15: with ${says} as a response, a storage that is down is passed to next`, async () => {
    const one = await met();
    one.storage.fail("get");
    assert.equal(((await through(one, requestWith(one.token), standIn())) as { code?: string }).code, "storage");
  });
}

test("a request whose rawHeaders getter returns a new list each time has its session, also after its prototype was changed", async () => {
  const one = await met();
  const req = requestWith(one.token);
  Object.defineProperty(req, "rawHeaders", { get: () => [] });
  Object.setPrototypeOf(req, Object.create(Object.getPrototypeOf(req) as object) as object);
  assert.equal(await through(one, req, undefined), undefined);
  assert.equal(one.sessions.get(req).get("n"), 1);
});
