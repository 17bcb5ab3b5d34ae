import assert from "node:assert/strict";
import { PassThrough, pipeline } from "node:stream";
import type { Handle } from "../../support/apps.js";
import { aWhile, within } from "../../support/within.js";
import { basic, COOKIE, type Case, type Stage, type StageOptions, type World } from "../world.js";

/** A body that is answered in the framework's own way, and that a test breaks. */
interface Source {
  readonly isAnswered: Promise<void>;
  break(): void;
  answer(h: Handle): unknown;
}

function sourceOf(first: string): Source {
  let reach!: () => void;
  let broken!: () => void;
  const isAnswered = new Promise<void>((resolve) => (reach = resolve));
  return {
    isAnswered,
    break: () => broken(),
    answer(h) {
      const { ctx, reply, res } = h.native;
      reach();
      if (!ctx && !reply && !res) {
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            if (first !== "") controller.enqueue(new TextEncoder().encode(first));
            broken = () => controller.error(new Error("the source broke"));
          },
        });
        return h.native.c ? h.native.c.body(body) : new Response(body);
      }
      const body = new PassThrough();
      if (first !== "") body.write(first);
      broken = () => void body.destroy(new Error("the source broke"));
      if (ctx) ctx.body = body;
      else if (reply) return reply.send(body);
      else pipeline(body, res, () => {});
    },
  };
}

export const brokenBodies: readonly Case[] = [
  {
    name: "a body that breaks while the session is saved is answered, or cut off, as without a session",
    async run(world) {
      for (const first of ["", "one "]) {
        const bare = await broken(world, first, { isMounted: false });
        const { outcome, stage } = await broken(world, first);
        assert.equal(outcome, bare.outcome, `after ${JSON.stringify(first)}`);
        if (first !== "") assert.equal(stage.storage.counts.create, 1);
        assert.equal((await stage.client.get("/plain")).body, "plain");
      }
    },
  },
  {
    name: "a body that breaks while the session cannot be saved: 503",
    async run(world) {
      for (const first of ["", "one "]) {
        const { outcome, stage } = await broken(world, first, {}, true);
        assert.ok(outcome === "503" || outcome === "cut off", outcome);
        assert.equal((await stage.client.get("/plain")).setCookies.length, 0);
      }
    },
  },
  {
    name: "a body that breaks once its head with the cookie is out is cut off, and the session is stored",
    async run(world) {
      const source = sourceOf("one ");
      const { client, storage } = await world.stage({
        ...basic,
        "/broken": (h) => (h.session.set("user", "ann"), source.answer(h)),
      });
      const answer = await client.open("/broken");
      await answer.holds("one ");
      source.break();
      await assert.rejects(answer.end());
      assert.ok(client.cookies.get(COOKIE));
      assert.deepEqual(storage.counts, { create: 1 });
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
];

/** Asks for a body that breaks while the session is being saved. */
async function broken(
  world: World,
  first: string,
  options: StageOptions = {},
  fails: boolean = false,
): Promise<{ outcome: string; stage: Stage }> {
  const source = sourceOf(first);
  const isMounted = options.isMounted ?? true;
  const stage = await world.stage(
    { ...basic, "/broken": (h) => (isMounted && h.session.set("user", "ann"), source.answer(h)) },
    options,
  );
  const gate = stage.storage.park("create");
  const answered = stage
    .newClient()
    .get("/broken")
    .then(
      ({ status }) => String(status),
      () => "cut off",
    );
  // Where nothing was to be sent yet, some frameworks begin no answer, and so no save.
  await within(2000, "the save", isMounted && first !== "" ? gate.reached : source.isAnswered);
  await aWhile(2);
  source.break();
  await aWhile(2);
  if (fails) Object.assign(stage.storage.inner, { create: () => Promise.reject(new Error("the database is down")) });
  gate.release();
  return { outcome: await answered, stage };
}
