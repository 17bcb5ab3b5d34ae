import assert from "node:assert/strict";
import { inspect } from "node:util";
import { chain, fromCookie, type Extractor } from "holdfast";
import { testClock } from "holdfast/testing";
import { randomToken } from "#dist/session/token.js";
import type { Stage, World } from "../adapters/world.js";
import type { Handle, Routes } from "../support/apps.js";
import {
  acting,
  everywhere,
  requestSession,
  onEveryAdapter,
  PLACES,
  saidBy,
  valuesOf,
  type Bytes,
  type Place,
  type WireAnswer,
} from "./everywhere.js";

/** What answers tell attackers who compare, and what is rendered, over real HTTP on every adapter. */

const cookie = (token: string): Bytes => ({ lines: [`Cookie: session_id=${token}`] });

type Refused = "unknown" | "expired" | "revoked" | "retired" | "malformed";

/** A token of each kind that opens nothing, and the calls of the storage that a request with it may cost. */
async function refused(stage: Stage, clock: ReturnType<typeof testClock>): Promise<Record<Refused, string>> {
  const { store } = stage.app.sessions[0];
  const expired = await store.create({ n: 1 });
  clock.advance("10m");
  const [revoked, retired, live] = [
    await store.create({ n: 1 }),
    await store.create({ n: 1 }),
    await store.create({ n: 1 }),
  ];
  await store.delete(revoked.id);
  const job = await store.getByToken(retired.token);
  await job.regenerate();
  await job.save();
  clock.advance("1m");
  assert.equal((await store.getByToken(live.token)).get("n"), 1);
  return {
    unknown: randomToken.draw(),
    expired: expired.token,
    revoked: revoked.token,
    retired: retired.token,
    malformed: `${live.token.slice(0, 42)}=`,
  };
}

/**
 * The length of an answer and everything it says, but for the token it brings, the id that is shown, and Express's
 * hash of the page.
 */
function shape(answer: WireAnswer): unknown {
  const hide = (text: string): string =>
    text.replaceAll(
      /id_[\w-]{43}|(?<==)[\w-]{43}(?=;)|(?<=X-Session: )[\w-]{43}|(?<=ETag: W\/"\w+-)[^"]+/gi,
      "(token)",
    );
  return { status: answer.status, lines: answer.lines.map(hide), body: hide(answer.body), bytes: answer.text.length };
}

async function assertAlike(world: World, place: Place, extractor: Extractor): Promise<void> {
  const clock = testClock();
  const stage = await world.stage(acting, { session: { extractor, load: "lazy", clock, idleTimeout: "10m" } });
  const tokens = await refused(stage, clock);
  for (const method of [place.extractor.source === "form" ? "POST" : "GET", "PUT"]) {
    const shapes: unknown[] = [];
    for (const [kind, token] of Object.entries(tokens)) {
      stage.storage.forget();
      shapes.push(shape(await requestSession(stage.app.port, { ...place.carry(token), method })));
      const expected = [...(kind === "malformed" ? [] : ["get"]), ...(method === "PUT" ? ["create"] : [])];
      assert.deepEqual(
        stage.storage.calls.map(({ name }) => name),
        expected,
        `${kind}, ${method}`,
      );
    }
    for (const one of shapes) assert.deepEqual(one, shapes[0], `${method}, ${place.extractor.source}`);
  }
}

everywhere(
  "attack 100: unknown, expired, revoked, retired and malformed tokens get the same response: status, headers, body, bytes, storage calls",
  async (world, place) => {
    await assertAlike(
      world,
      place,
      place.extractor.source === "cookie" ? place.extractor : chain(place.extractor, fromCookie("other")),
    );
  },
);

onEveryAdapter(
  "attack 100: the error of a storage that is down says nothing of the token that asked",
  async (world) => {
    const stage = await world.stage(acting);
    const { token } = await stage.app.sessions[0].store.create({ n: 1 });
    stage.storage.fail("get");
    const [one, two] = [
      await requestSession(stage.app.port, cookie(token)),
      await requestSession(stage.app.port, cookie(randomToken.draw())),
    ];
    assert.equal(one.status, 503);
    assert.deepEqual(shape(one), shape(two));
  },
);

onEveryAdapter(
  "attack 103: a token that came in the query or path: no-store and no-referrer, whatever it is worth and whatever the answer is",
  async (world) => {
    const routes: Routes = {
      ...acting,
      "/out": (h) => h.redirect("https://elsewhere.example/"),
      "/page": (h) =>
        h.answer({ body: "<a href=https://elsewhere.example/>", headers: { "cache-control": "public" } }),
    };
    const stage = await world.stage(routes, { session: { extractor: PLACES["query"]!.extractor } });
    const { token } = await stage.app.sessions[0].store.create({ n: 1 });
    for (const path of ["/out", "/page"]) {
      for (const sent of [token, randomToken.draw(), "malformed"]) {
        const answer = await requestSession(stage.app.port, { path: `${path}?s=${sent}` });
        assert.deepEqual(
          [valuesOf(answer, "Cache-Control"), valuesOf(answer, "Referrer-Policy")],
          [["no-store"], ["no-referrer"]],
          `${path} ${sent}`,
        );
      }
    }
    assert.deepEqual(
      valuesOf(await requestSession(stage.app.port, { path: "/page" }), "Referrer-Policy"),
      [],
      "an application that brings none keeps its own policy",
    );
  },
);

onEveryAdapter(
  "attack 105: what an application renders of a session holds no token: redirects, pages, state, error pages",
  async (world) => {
    const tokens: string[] = [];
    const page = (h: Handle, text: string): unknown =>
      h.answer({ body: `<script>window.state = ${text}</script>`, headers: { "content-type": "text/html" } });
    const stage = await world.stage(
      {
        "/json": (h) => (
          h.session.set("n", 1),
          tokens.push(h.session.token),
          h.json({ session: h.session, all: [h.session] })
        ),
        "/state": (h) => (
          tokens.push(h.session.token),
          page(
            h,
            JSON.stringify({
              session: h.session,
              spread: { ...h.session },
              text: `${h.session}`,
              assigned: Object.assign({}, h.session),
            }),
          )
        ),
        "/inspect": (h) =>
          page(
            h,
            JSON.stringify(
              inspect(
                { session: h.session, context: h.context && h.session },
                { depth: 8, showHidden: true, getters: true },
              ),
            ),
          ),
        "/login": async (h) => (await h.session.regenerate(), tokens.push(h.session.token), h.redirect("/state")),
        "/fail": (h) => {
          h.session.set("n", 2);
          throw new Error(`mine: ${h.session} ${JSON.stringify(h.session)}`);
        },
      },
      { session: { extractor: chain(PLACES["query"]!.extractor, fromCookie()) } },
    );
    for (const path of ["/json", "/state", "/inspect", "/login", "/state", "/fail", "/missing"]) {
      const answer = await stage.client.get(path);
      if (path !== "/fail" && path !== "/missing") assert.ok(answer.status < 400, `${path}: ${answer.body}`);
      const shown = [
        answer.body,
        ...Object.entries(answer.headers)
          .filter(([name]) => name !== "set-cookie")
          .map(([, value]) => String(value)),
      ].join("\n");
      for (const token of tokens) assert.ok(!shown.includes(token), `${path}: ${shown}`);
    }
    assert.ok(tokens.length >= 4);
  },
);

onEveryAdapter(
  "attack 106: visitors without a cookie who write nothing leave no record and get no cookie",
  async (world) => {
    const stage = await world.stage(acting);
    const answers = await Promise.all(Array.from({ length: 100 }, () => requestSession(stage.app.port)));
    for (const answer of answers)
      assert.deepEqual([answer.status, valuesOf(answer, "Set-Cookie"), saidBy(answer).keys], [200, [], []]);
    assert.deepEqual(stage.storage.calls, []);
  },
);

onEveryAdapter(
  "attack 107: random tokens of the right shape cost one read each, no record, no cookie",
  async (world) => {
    const stage = await world.stage(acting);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => requestSession(stage.app.port, cookie(randomToken.draw()))),
    );
    for (const answer of answers)
      assert.deepEqual([answer.status, valuesOf(answer, "Set-Cookie"), saidBy(answer).keys], [200, [], []]);
    assert.deepEqual(stage.storage.counts, { get: 100 });
  },
);

onEveryAdapter("attack 122: nothing of CORS is ever answered, whatever origin asks", async (world) => {
  const stage = await world.stage(acting);
  const { token } = await stage.app.sessions[0].store.create({ n: 1 });
  for (const method of ["GET", "PUT", "OPTIONS"]) {
    const answer = await requestSession(stage.app.port, {
      method,
      lines: [...cookie(token).lines!, "Origin: https://evil.example", "Access-Control-Request-Method: PUT"],
    });
    assert.deepEqual(
      answer.lines.filter((line) => /^access-control-/i.test(line)),
      [],
      method,
    );
  }
});
