import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { testClock } from "holdfast/testing";
import { fromExpressSession } from "holdfast/adopt";
import { passing, World, type Data } from "../unit/world.js";
import { forgedOf, plain, recordingOf, recordings, sampleOf, type Recording, type Sample } from "./recorded.js";

const DAY_MS = 86_400_000;

/** A server that adopts a sample, at the time when it was recorded. */
function serverOf(sample: Sample): World {
  const clock = testClock(Date.parse(sample.recording.recordedAt) + 1000);
  return Object.assign(new World({ clock, adopt: [sample.source] }), { clock });
}

const told = (data: Data): Data => plain(data);
/** Whether two browsers with the same data have the same cookie, and nothing says whose it is: each gets a copy. */
const isCopied = ({ name }: Recording): boolean => name === "cookie-session-unsigned";

test("every library and store has a recording", () => {
  assert.ok(recordings.length >= 51, `${recordings.length}`);
});

for (const recording of recordings) {
  describe(`${recording.name}: ${recording.what}`, () => {
    test("the old data is the session, and the next request needs no old cookie", async () => {
      const sample = sampleOf(recording);
      const world = serverOf(sample);
      const client = world.client();
      let data: Data = {};
      const { error, cookies } = await client.ask((session) => void (data = session.toJSON()), sample.asked);
      assert.equal(error, undefined);
      const { long: _long, ...own } = data;
      assert.deepEqual(told(own), told(recording.data));
      assert.ok(client.token, cookies.join("; "));
      assert.equal(sample.records?.size ?? 0, 0, "the old record is left");
      const { calls } = await client.ask((session) => assert.equal(session.get("count"), 1));
      assert.deepEqual(calls, ["get"]);
    });

    test("a forged cookie is no session, and costs no call", async () => {
      const sample = sampleOf(recording);
      const world = serverOf(sample);
      for (const cookie of forgedOf(recording)) {
        const { calls, cookies, error } = await world
          .client()
          .ask((session) => assert.deepEqual(session.keys(), []), { cookie });
        assert.deepEqual([error, calls, cookies], [undefined, [], []], cookie);
      }
    });

    test("the names of its cookies are removed from the browser", async () => {
      const sample = sampleOf(recording);
      const world = serverOf(sample);
      const { cookies } = await world.client().ask((session) => session.get("count"), sample.asked);
      const names = sample.asked.cookie.split("; ").flatMap((pair) => (pair ? [pair.split("=")[0]!] : []));
      for (const name of names)
        assert.ok(
          cookies.some((line) => line.startsWith(`${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970`)),
          `${name}: ${cookies.join(" | ")}`,
        );
    });

    if (isCopied(recording)) return;

    test("parallel first requests meet in one record", async () => {
      const sample = sampleOf(recording);
      const world = serverOf(sample);
      const clients = [1, 2, 3].map(() => world.client());
      const answered = await passing(
        world.clock,
        Promise.all(clients.map((client, i) => client.ask((session) => session.set(`from${i}`, true), sample.asked))),
      );
      assert.deepEqual(
        answered.map(({ error }) => error),
        [undefined, undefined, undefined],
      );
      assert.equal(new Set(clients.map(({ token }) => token)).size, 1);
      const found = await world.store.getByToken(clients[0]!.token!);
      assert.deepEqual(
        [0, 1, 2].map((i) => found!.get(`from${i}`)),
        [true, true, true],
      );
    });

    test("after a logout the old cookie opens nothing", async () => {
      const sample = sampleOf(recording);
      const world = serverOf(sample);
      const client = world.client();
      await client.ask((session) => session.destroy(), sample.asked);
      sample.write();
      const again = await world.client().ask((session) => assert.deepEqual(session.keys(), []), sample.asked);
      assert.equal(again.error, undefined);
      assert.deepEqual(again.cookies, []);
    });
  });
}

test("every cookie of express-session is verified: rotated, Buffer, UUID, any text", async () => {
  const { cookies } = recordingOf("express-session-cookies.json");
  for (const { what, secret, readWith, setCookie, sid } of cookies) {
    const [name] = setCookie[0].split("=");
    const secrets = readWith?.hex ? Buffer.from(readWith.hex, "hex") : (readWith ?? secret);
    const read: string[] = [];
    const store = {
      get: (id: string, done: any) => (read.push(id), done(null, { cookie: {}, n: 1 })),
      destroy: (_id: string, done: any) => done(),
    };
    const world = new World({ adopt: [fromExpressSession({ secret: secrets, store, name })] });
    const { error } = await world
      .client()
      .ask((session) => assert.equal(session.get("n"), 1, what), { cookie: setCookie[0].split(";")[0] });
    assert.equal(error, undefined, what);
    assert.deepEqual(read, [sid], what);
  }
});

test("an expired cookie or record is no session", async () => {
  const names = ["iron-session-9", "fastify-secure-session", "koa-session-cookie", "connect-redis-10.persistent"];
  for (const recording of recordings.filter(({ name }) => names.includes(name))) {
    const sample = sampleOf(recording);
    const clock = testClock(Date.parse(recording.recordedAt) + 3650 * DAY_MS + 1000);
    const world = new World({ clock, adopt: [{ ...sample.source, until: undefined }] });
    const { cookies } = await world.client().ask((session) => assert.deepEqual(session.keys(), []), sample.asked);
    assert.deepEqual(cookies, [], recording.name);
  }
});
