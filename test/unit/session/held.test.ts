import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionOptions } from "holdfast";
import { chain, fromCookie, fromQuery } from "holdfast";
import type { RequestSession } from "#dist/session/request-session.js";
import { visitor, World } from "../world.js";

/** Loads a request session, then lets a handler act; returns how often the response was to be held by then. */
async function holds(
  world: World,
  cookie: string | undefined,
  act: (requestSession: RequestSession) => unknown = () => {},
): Promise<number> {
  const requestSession = world.requestSession(cookie === undefined ? {} : { cookie });
  let count = 0;
  requestSession.host = { hold: () => void count++ };
  await requestSession.load();
  await act(requestSession);
  return count;
}

async function known(options: SessionOptions = {}): Promise<{ world: World; cookie: string }> {
  const world = new World({ idleTimeout: "30m", refreshInterval: "5m", ...options });
  const client = await visitor(world);
  return { world, cookie: `session_id=${client.token}` };
}

test("a visitor's response is not held, unless a session is stored for each", async () => {
  assert.equal(await holds(new World(), undefined), 0);
  assert.equal(await holds(new World({ storeNew: "always" }), undefined), 1);
});

test("the response to a known session is not held until a handler asks for it", async () => {
  const { world, cookie } = await known();
  assert.equal(await holds(world, cookie), 0);
  assert.equal(await holds(world, cookie, (one) => one.session.get("n")), 1);
  assert.ok((await holds(world, cookie, (one) => one.open())) > 0);
});

test("it is held if the deadline is due, though nobody asks; the deadline moves by one call", async () => {
  const { world, cookie } = await known();
  world.clock.advance("5m");
  const before = world.storage.calls.length;
  assert.equal(await holds(world, cookie, (one) => one.commit()), 1);
  assert.deepEqual(
    world.storage.calls.slice(before).map(({ name }) => name),
    ["get", "touch"],
  );
});

test("it is held if the token came by the URL: the response needs headers whatever becomes of the session", async () => {
  const { world, cookie } = await known({ extractor: chain(fromCookie(), fromQuery("t")) });
  const requestSession = world.requestSession({ url: `/?t=${cookie.split("=")[1]!}` });
  let count = 0;
  requestSession.host = { hold: () => void count++ };
  await requestSession.load();
  assert.equal(count, 1);
});

test("a request whose response was not held is done once the response has ended", async () => {
  const { world, cookie } = await known();
  const requestSession = world.requestSession({ cookie });
  const host = { isOver: false };
  requestSession.host = host;
  await requestSession.load();
  assert.equal(requestSession.isDone, false);
  host.isOver = true;
  assert.equal(requestSession.isDone, true);
});
