import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { hashOf, idOf, randomToken } from "#dist/session/token.js";
import { chain, fromCookie, fromCustom } from "holdfast";
import type { Stage, World } from "../adapters/world.js";
import {
  acting,
  assertAnonymous,
  everywhere,
  requestSession,
  form,
  NOT_THERE,
  onEveryAdapter,
  PLACES,
  planted,
  saidBy,
  staged,
  valuesOf,
} from "./everywhere.js";

/** Every adapter over real HTTP, its bytes as an attacker sends them, with the token in each of the seven places. */

const NUMBERS: Readonly<Record<string, number>> = {
  cookie: 1,
  header: 2,
  "auth-header": 3,
  query: 4,
  param: 5,
  form: 6,
  other: 6,
};

for (const [source, place] of Object.entries(PLACES)) {
  onEveryAdapter(
    `attack ${NUMBERS[source]}: an unknown token of the right shape (${source}) is anonymous; on a write another one is issued`,
    async (world) => {
      const stage = await world.stage(acting, {
        session: { extractor: chain(place.extractor, fromCookie("other")), load: "lazy" },
      });
      const unknown = randomToken.draw();
      const carried = place.carry(unknown);
      const read = await requestSession(stage.app.port, carried);
      assertAnonymous(read, "read");
      assert.deepEqual(stage.storage.counts, { get: 1 });
      const written = await requestSession(stage.app.port, { ...carried, method: "PUT" });
      const issued = /^other=([\w-]{43});/.exec(
        valuesOf(written, "Set-Cookie").find((line) => line.startsWith("other="))!,
      )![1]!;
      assert.notEqual(issued, unknown);
      assert.notEqual(saidBy(written).id, idOf(hashOf(unknown)));
      assert.equal(await stage.app.sessions[0].store.getByToken(unknown), undefined);
      assert.equal((await stage.app.sessions[0].store.getByToken(issued)).get("n"), 2);
      if (!["query", "param"].includes(source)) return;
      for (const answer of [read, written])
        assert.deepEqual(
          [valuesOf(answer, "Cache-Control"), valuesOf(answer, "Referrer-Policy")],
          [["no-store"], ["no-referrer"]],
        );
    },
    NOT_THERE[source],
  );
}

onEveryAdapter(
  "attack 6: an unknown token as a WebSocket subprotocol opens nothing and is given nothing",
  async (world) => {
    const extractor = fromCustom({
      extract: (request) =>
        /(?:^|,\s*)session\.([\w-]+)/.exec(request.headers("sec-websocket-protocol").join(", "))?.[1],
      source: "other",
      key: "subprotocol",
    });
    const stage = await world.stage(acting, { session: { extractor } });
    const { token } = await planted(stage);
    stage.app.server.on(
      "upgrade",
      (request: IncomingMessage, socket: Duplex) => void greet(world, stage, request, socket),
    );
    for (const [sent, said] of [
      [token, "n"],
      [randomToken.draw(), ""],
      [`${token}x`, ""],
    ] as const) {
      const answer = await requestSession(stage.app.port, {
        lines: ["Upgrade: websocket", "Connection: Upgrade", `Sec-WebSocket-Protocol: chat, session.${sent}`],
      });
      assert.equal(answer.body, `keys: ${said}`);
      assert.ok(!answer.text.includes(sent));
    }
    assert.deepEqual(stage.storage.counts, { create: 1, get: 2 });
  },
);

async function greet({ adapter }: World, { app }: Stage, request: IncomingMessage, socket: Duplex): Promise<void> {
  const session = await adapter.read(app.sessions[0], request);
  socket.end(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nkeys: ${session.keys().join()}`,
  );
}

everywhere(
  "attack 121: a token is taken from the place that was named, and from no other",
  async (world, place, source) => {
    const stage = await staged(world, place);
    const { token } = await planted(stage);
    stage.storage.forget();
    for (const [other, elsewhere] of Object.entries(PLACES)) {
      if (other === source || NOT_THERE[other]?.[world.adapter.name]) continue;
      assertAnonymous(await requestSession(stage.app.port, elsewhere.carry(token)), `${other} instead of ${source}`);
    }
    assert.deepEqual(stage.storage.calls, []);
  },
);

onEveryAdapter("attack 26: objects and lists that a parser makes of a body or query are no token", async (world) => {
  const options = { parsesForms: !["node", "fetch"].includes(world.adapter.name) };
  const stage = await world.stage(acting, {
    session: { extractor: chain(PLACES["form"]!.extractor, PLACES["query"]!.extractor), load: "lazy" },
    ...options,
  });
  const { token } = await planted(stage);
  stage.storage.forget();
  for (const name of ["s[$ne]", "s[]", "s[0]", "s.x", "s[__proto__]", "__proto__[s]"]) {
    const pair = `${encodeURIComponent(name)}=${token}`;
    assertAnonymous(await requestSession(stage.app.port, form(pair)), `body ${name}`);
    assertAnonymous(await requestSession(stage.app.port, { path: `/act?${pair}` }), `query ${name}`);
  }
  for (const body of [`{"s":{"$ne":null}}`, `{"s":["${token}"]}`, `["${token}"]`]) {
    assertAnonymous(
      await requestSession(stage.app.port, { method: "POST", lines: ["Content-Type: application/json"], body }),
      body,
    );
  }
  assert.deepEqual(stage.storage.calls, []);
});

onEveryAdapter("attack 28: a header sent twice, or as a list, is no token; an event reports it", async (world) => {
  for (const source of ["header", "auth-header"] as const) {
    const place = PLACES[source]!;
    const stage = await staged(world, place);
    const { token } = await planted(stage);
    stage.storage.forget();
    const [line] = place.carry(token).lines!;
    const scheme = source === "header" ? "" : "Bearer ";
    for (const lines of [
      [line!, line!],
      [`${line}, ${scheme}${token}`],
      [`${line},`],
      [line!, line!.replace(token, "x")],
    ]) {
      assertAnonymous(await requestSession(stage.app.port, { lines }), lines.join(" | "));
    }
    assert.deepEqual(
      stage.events.map(({ type }) => type),
      ["duplicate", "duplicate", "duplicate", "duplicate"],
      source,
    );
    assert.deepEqual(stage.storage.calls, []);
  }
});

onEveryAdapter(
  "attack 9: members of a chain with different tokens: the order decides, the other is neither used nor refreshed, an event reports it",
  async (world) => {
    const stage = await world.stage(acting, {
      session: { extractor: chain(PLACES["header"]!.extractor, fromCookie()), load: "lazy", refreshInterval: 0 },
    });
    const [one, two] = [await planted(stage, { n: "header" }), await planted(stage, { n: "cookie" })];
    stage.storage.forget();
    const answer = await requestSession(stage.app.port, {
      lines: [`X-Session: ${one.token}`, `Cookie: session_id=${two.token}`],
    });
    assert.deepEqual(
      [saidBy(answer).n, valuesOf(answer, "X-Session"), valuesOf(answer, "Set-Cookie")],
      ["header", [one.token], []],
    );
    assert.deepEqual(
      stage.events.map(({ type }) => type),
      ["duplicate"],
    );
    assert.equal(new Set(stage.storage.calls.map(({ key }) => key)).size, 1);
  },
);

onEveryAdapter(
  "attack 43: a route parameter counts as the whole segment, or not at all",
  async (world) => {
    const stage = await staged(world, PLACES["param"]!);
    const { token } = await planted(stage);
    stage.storage.forget();
    const segments = [
      `${token};jsessionid=1`,
      `${token};`,
      `;${token}`,
      `${token}%2f`,
      `${token}%2F..`,
      `.%2f${token}`,
      `${token}.`,
      `${token}%20`,
      swapped(token),
      `${token}/`,
      `${token}/x`,
      `./${token}/..`,
    ];
    for (const segment of segments) {
      const answer = await requestSession(stage.app.port, { path: `/p/${segment}` });
      const opensByRouter = segment === `${token}/` && answer.status === 200 && saidBy(answer).n === 1;
      if (opensByRouter) continue;
      if (answer.status === 200) assertAnonymous(answer, segment);
      else assert.ok([400, 404].includes(answer.status), `${segment}: ${answer.text}`);
    }
    assert.equal(saidBy(await requestSession(stage.app.port, { path: `/p/${token}` })).n, 1);
  },
  NOT_THERE["param"],
);

const swapped = (text: string): string =>
  [...text].map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())).join("");
