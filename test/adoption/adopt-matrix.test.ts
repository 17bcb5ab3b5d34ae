/**
 * Each library and store in each situation of a move; `npm run adoption` prints what became of it as a table. The
 * records are those that the real libraries left (recordings/).
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { testClock } from "holdfast/testing";
import { opens, passing, World, type Client } from "../unit/world.js";
import { forgedOf, plain, recordings, sampleOf, type Recording, type Sample, type Secrets } from "./recorded.js";

const DAY_MS = 86_400_000;
/** Longer than any old cookie is valid, and than `until`. */
const LATER_MS = 4000 * DAY_MS;
const IDLE_MS = 31 * 60_000;

class Move {
  readonly sample: Sample;
  readonly world: World;

  constructor(recording: Recording, { secrets = "same" as Secrets, later = 0 } = {}) {
    this.sample = sampleOf(recording, secrets);
    const clock = testClock(Date.parse(recording.recordedAt) + 1000 + later);
    this.world = Object.assign(new World({ clock, adopt: [this.sample.source] }), { clock });
  }

  /** What a client with the old cookie finds; "" for none. */
  async found(client: Client = this.world.client()): Promise<string> {
    let keys = "";
    const { error } = await client.ask((session) => void (keys = session.keys().sort().join(" ")), this.sample.asked);
    assert.equal(error, undefined);
    return keys;
  }
}

type Situation = (recording: Recording) => Promise<void>;

/** In the order of the table. */
const SITUATIONS: Readonly<Record<string, Situation>> = {
  async read(recording) {
    const { sample, world } = new Move(recording);
    const client = world.client();
    let data: Record<string, unknown> = {};
    await client.ask((session) => void (data = session.toJSON()), sample.asked);
    const { long: _long, ...own } = data;
    assert.deepEqual(plain(own), plain(recording.data));
    assert.equal(await opens(world, client.token), true);
  },
  async parallel(recording) {
    const { sample, world } = new Move(recording);
    const clients = [1, 2, 3].map(() => world.client());
    const asked = clients.map((client, i) => client.ask((session) => session.set(`from${i}`, true), sample.asked));
    for (const { error } of await passing(world.clock, Promise.all(asked))) assert.equal(error, undefined);
    assert.equal(new Set(clients.map(({ token }) => token)).size, 1);
    const one = await world.store.getByToken(clients[0]!.token!);
    assert.deepEqual(
      [0, 1, 2].map((i) => one!.get(`from${i}`)),
      [true, true, true],
    );
  },
  async rotated(recording) {
    assert.notEqual(await new Move(recording, { secrets: "rotated" }).found(), "");
    assert.equal(await new Move(recording, { secrets: "replaced" }).found(), "");
  },
  async logout(recording) {
    for (const place of [0, 1, 2]) {
      const move = new Move(recording);
      const { sample, world } = move;
      const clients = [0, 1, 2].map(() => world.client());
      const asked = clients.map((client, i) =>
        client.ask((session) => (i === place ? session.destroy() : session.set("n", i)), sample.asked),
      );
      for (const { error } of await passing(world.clock, Promise.all(asked)))
        assert.ok(error === undefined || (error as { code?: string }).code === "ended", String(error));
      sample.write();
      assert.equal(await move.found(), "");
      for (const { token } of clients) assert.equal(await hasOldData(world, token), false);
    }
  },
  async "old server"(recording) {
    const move = new Move(recording);
    const client = move.world.client();
    await client.ask((session) => session.set("ours", true), move.sample.asked);
    move.sample.write();
    const other = move.world.client();
    assert.match(await move.found(other), /\bours\b/);
    assert.equal(other.token, client.token);
  },
  async forged(recording) {
    const { sample, world } = new Move(recording);
    for (const cookie of forgedOf(recording)) {
      const { calls, cookies, error } = await world
        .client()
        .ask((session) => assert.deepEqual(session.keys(), []), { ...sample.asked, cookie });
      assert.deepEqual([error, calls, cookies], [undefined, [], []], cookie);
    }
  },
  async expired(recording) {
    const move = new Move(recording, { later: LATER_MS });
    if (isLeftToItsDatabase(recording)) move.sample.records!.clear();
    assert.equal(await move.found(), "");
  },
  async "not twice"(recording) {
    const move = new Move(recording);
    assert.notEqual(await move.found(), "");
    move.world.clock.advance(IDLE_MS);
    move.sample.write();
    assert.equal(await move.found(), "");
  },
};

/** A request that comes after the logout is a visitor's: what it puts is in a new session. */
async function hasOldData({ store }: World, token: string | undefined): Promise<boolean> {
  const found = token === undefined ? undefined : await store.getByToken(token);
  return found !== undefined && found.keys().some((key) => key !== "n");
}

/** Records that say nothing of a deadline: their database removes them. */
function isLeftToItsDatabase({ name }: Recording): boolean {
  return /^(connect-memcached|connect-redis|fastify-session).*\.browser-session$|^koa-generic-session$|^koa-session-store-browser$/.test(
    name,
  );
}

/** What cannot be, each with the reason. */
function reasonAgainst(situation: string, { name, header, stored }: Recording): string | undefined {
  const isWithoutId = name === "cookie-session-unsigned";
  if (isWithoutId && situation !== "read" && situation !== "expired" && situation !== "forged")
    return "anybody can write it: each request gets a copy, and an owner is refused";
  if (situation === "rotated" && header) return "its id is in a header, without a signature";
  if (situation === "forged" && header) return "its id is in a header: another id is another session";
  if (situation === "old server" && !stored) return "it has no record";
  return undefined;
}

for (const recording of recordings)
  describe(recording.name, () => {
    for (const [situation, play] of Object.entries(SITUATIONS))
      test(situation, { skip: reasonAgainst(situation, recording) ?? false }, () => play(recording));
  });
