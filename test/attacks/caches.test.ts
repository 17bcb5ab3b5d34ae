import assert from "node:assert/strict";
import { test } from "node:test";
import { chain, fromCookie } from "holdfast";
import { parameter, type Stage } from "../adapters/world.js";
import type { Handle, Routes } from "../support/apps.js";
import { requestSession, onEveryAdapter, PLACES, valuesOf, type Bytes, type WireAnswer } from "./everywhere.js";
import { SharedCache } from "./shared-cache.js";

/** What answers let caches between keep, over real HTTP on every adapter. */

const cookie = (token: string): Bytes => ({ lines: [`Cookie: session_id=${token}`] });

const ACCESSORS: Readonly<Record<string, (session: any) => unknown>> = {
  get: (s) => s.get("user"),
  has: (s) => s.has("user"),
  keys: (s) => s.keys(),
  "keys().length": (s) => s.keys().length,
  "for … of keys()": (s) => {
    for (const _ of s.keys()) break;
  },
  toJSON: (s) => s.toJSON(),
  "JSON.stringify": (s) => JSON.stringify(s),
  fresh: (s) => s.fresh,
  id: (s) => s.id,
  token: (s) => s.token,
  createdAt: (s) => s.createdAt,
  idleExpiresAt: (s) => s.idleExpiresAt,
  absoluteExpiresAt: (s) => s.absoluteExpiresAt,
  "delete of what is not there": (s) => s.delete("nothing"),
};

onEveryAdapter(
  "attack 96: a page marked public that asks the session is private after all, by every accessor",
  async (world) => {
    const routes = Object.fromEntries(
      Object.entries(ACCESSORS).map(([name, ask]) => [
        `/${name.replaceAll(/\W/g, "")}`,
        (h: Handle) => (
          ask(h.session),
          h.answer({ body: "page", headers: { "cache-control": "public, max-age=60, s-maxage=3600" } })
        ),
      ]),
    );
    const stage = await world.stage({
      ...routes,
      "/unasked": (h) => h.answer({ body: "page", headers: { "cache-control": "public, max-age=60" } }),
    });
    const { token } = await stage.app.sessions[0].store.create({ user: "ann" });
    for (const bytes of [cookie(token), {}]) {
      for (const path of Object.keys(routes)) {
        const answer = await requestSession(stage.app.port, { ...bytes, path });
        const control = valuesOf(answer, "Cache-Control").join();
        assert.match(control, /\b(private|no-store)\b/, path);
        assert.doesNotMatch(control, /public|s-maxage/, path);
        if (!control.includes("no-store"))
          assert.match(valuesOf(answer, "Vary").join().toLowerCase(), /cookie/, path);
      }
      assert.deepEqual(
        valuesOf(await requestSession(stage.app.port, { ...bytes, path: "/unasked" }), "Cache-Control"),
        ["public, max-age=60"],
      );
    }
  },
);

onEveryAdapter(
  "attack 96: a page marked public whose answer refreshes, renews or removes the token is not stored at all",
  async (world) => {
    const pub = { "cache-control": "public, s-maxage=3600" };
    const stage = await world.stage(
      {
        "/refresh": (h) => (h.session.get("user"), h.answer({ body: "page", headers: pub })),
        "/unasked": (h) => h.answer({ body: "page", headers: pub }),
        "/login": async (h) => (await h.session.regenerate(), h.answer({ body: "page", headers: pub })),
        "/out": async (h) => (await h.session.destroy(), h.answer({ body: "page", headers: pub })),
      },
      { session: { refreshInterval: 0 } },
    );
    for (const path of ["/refresh", "/login", "/out"]) {
      const { token } = await stage.app.sessions[0].store.create({ user: "ann" });
      const answer = await requestSession(stage.app.port, { ...cookie(token), path });
      assert.equal(valuesOf(answer, "Set-Cookie").length, 1);
      assert.deepEqual(valuesOf(answer, "Cache-Control"), ["no-store"], path);
    }
    const { token } = await stage.app.sessions[0].store.create({ user: "ann" });
    const unasked = await requestSession(stage.app.port, { ...cookie(token), path: "/unasked" });
    assert.deepEqual(
      [valuesOf(unasked, "Set-Cookie"), valuesOf(unasked, "Cache-Control")],
      [[], ["public, s-maxage=3600"]],
    );
  },
);

/** What applications write into Cache-Control, or nothing. */
const CONTROLS = [
  "",
  "public",
  "public, max-age=60",
  "max-age=60",
  "s-maxage=60",
  "max-age=60, immutable",
  "public, stale-while-revalidate=600, s-maxage=1",
  "PUBLIC",
  "must-revalidate, max-age=60",
];
const STATUSES = [200, 206, 301, 308, 404, 410];

/** A page for whoever asks: says the name in the session, with what status and Cache-Control the query says. */
const pages: Routes = withRoutes(["/page", "/account/x.css", "/account/nothing.js"], async (h) => {
  const session = await h.loadSession();
  const act = parameter(h, "act");
  if (act === "visit") session.set("visited", true);
  if (act === "login") await session.regenerate();
  const control = parameter(h, "control");
  const status = Number(parameter(h, "status") ?? 200);
  const headers = {
    ...(control && { "cache-control": control }),
    ...(status > 300 && status < 400 && { location: `/of/${session.get("user")}` }),
    ...(status === 304 && { etag: '"1"' }),
    "content-type": "text/css",
  };
  return h.answer({ status, headers, ...(status !== 304 && { body: `page of ${session.get("user")}` }) });
});

function withRoutes(paths: readonly string[], handler: (h: Handle) => unknown): Routes {
  return Object.fromEntries(paths.map((path) => [path, handler]));
}

/** Ann and Bob behind one cache: neither is ever given what was made for the other. */
async function assertApart(stage: Stage, carry: (token: string) => Bytes, paths: readonly string[]): Promise<void> {
  const { store } = stage.app.sessions[0];
  for (const path of paths) {
    const cache = new SharedCache(stage.app.port);
    const [ann, bob] = [await store.create({ user: "ann" }), await store.create({ user: "bob" })];
    const given: [name: string, answer: WireAnswer][] = [];
    for (const [name, token] of [
      ["ann", ann.token],
      ["bob", bob.token],
      ["nobody", undefined],
      ["ann", ann.token],
    ] as const) {
      const bytes = token === undefined ? {} : carry(token);
      given.push([
        name,
        await cache.ask({
          ...bytes,
          path: bytes.path?.startsWith("/page?") ? `${bytes.path}&${path.split("?")[1]}` : path,
        }),
      ]);
    }
    assertOwn(given, { ann: ann.token, bob: bob.token }, path);
  }
}

function assertOwn(
  given: readonly [name: string, answer: WireAnswer][],
  tokens: Readonly<Record<string, string>>,
  path: string,
): void {
  const issued = new Map<string, string>();
  for (const [name, answer] of given) {
    assert.ok(answer.status >= 200 && answer.status < 500, answer.text);
    for (const other of ["ann", "bob"]) {
      if (other !== name)
        assert.ok(
          !answer.text.includes(`page of ${other}`) &&
            !answer.text.includes(`/of/${other}`) &&
            !answer.text.includes(tokens[other]!),
          `${name} is given what is ${other}'s: ${path}`,
        );
    }
    for (const line of valuesOf(answer, "Set-Cookie")) {
      const [token] = line.split(";");
      assert.equal(issued.get(token!) ?? name, name, `${name} is given a cookie of ${issued.get(token!)}: ${path}`);
      issued.set(token!, name);
    }
  }
}

const PATHS = [
  ...CONTROLS.flatMap((control) =>
    ["", "visit", "login"].map((act) => `/page?control=${encodeURIComponent(control)}&act=${act}`),
  ),
  ...STATUSES.flatMap((status) =>
    ["", "visit", "login"].map((act) => `/page?status=${status}&act=${act}&control=public`),
  ),
  ...STATUSES.map((status) => `/page?status=${status}`),
];

onEveryAdapter(
  "attack 97: a shared cache never hands one user's page or cookie to another, whatever the application says of caching",
  async (world) => {
    const stage = await world.stage(pages, { session: { load: "lazy" } });
    await assertApart(stage, cookie, PATHS);
  },
);

onEveryAdapter("attack 97: a 304 carries no other user's cookie into a shared cache", async (world) => {
  const stage = await world.stage(pages, { session: { load: "lazy" } });
  await assertApart(stage, cookie, [
    "/page?status=304&act=visit",
    "/page?status=304&act=login&control=public",
    "/page?status=304",
  ]);
  const { token } = await stage.app.sessions[0].store.create({ user: "ann" });
  const answer = await requestSession(stage.app.port, {
    ...cookie(token),
    path: "/page?status=304&act=login&control=public",
  });
  assert.deepEqual([answer.status, valuesOf(answer, "Cache-Control")], [304, ["no-store"]]);
});

onEveryAdapter(
  "attack 97: nor where the token comes by a header, a credential, the query, or a way of the application's own",
  async (world) => {
    for (const source of ["header", "auth-header", "query", "other"]) {
      const place = PLACES[source]!;
      const stage = await world.stage(pages, {
        session: { load: "lazy", extractor: chain(place.extractor, fromCookie("other")) },
      });
      const carry = (token: string): Bytes =>
        source === "query" ? { path: `/page?s=${token}` } : place.carry(token);
      await assertApart(
        stage,
        carry,
        CONTROLS.filter((_, i) => i % 2 === 1 || i === 0).map(
          (control) => `/page?control=${encodeURIComponent(control)}`,
        ),
      );
    }
  },
);

test("attack 97: the simulated cache does hand on what it may: without the library's headers the attack succeeds", async () => {
  const { createServer } = await import("node:http");
  const server = createServer((req, res) =>
    res.end(`page of ${/user=(\w+)/.exec(req.headers.cookie ?? "")?.[1]}`),
  ).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const cache = new SharedCache((server.address() as { port: number }).port);
  await cache.ask({ path: "/page", lines: ["Cookie: user=ann"] });
  const { body } = await cache.ask({ path: "/page", lines: ["Cookie: user=bob"] });
  server.close();
  assert.deepEqual([cache.hits, body.includes("page of ann")], [1, true]);
});

onEveryAdapter(
  "attack 98: a page with a session under the path of a stylesheet is answered as under any other",
  async (world) => {
    const stage = await world.stage(pages, { session: { load: "lazy" } });
    const styles = ["/account/x.css", "/account/nothing.js"];
    await assertApart(
      stage,
      cookie,
      styles.flatMap((path) =>
        ["", "public, max-age=600", "public"].flatMap((control) =>
          ["", "visit", "login"].map((act) => `${path}?control=${encodeURIComponent(control)}&act=${act}`),
        ),
      ),
    );
    for (const path of styles) {
      const { token } = await stage.app.sessions[0].store.create({ user: "ann" });
      const control = async (query: string): Promise<string> =>
        valuesOf(
          await requestSession(stage.app.port, { ...cookie(token), path: `${path}?${query}` }),
          "Cache-Control",
        ).join();
      assert.equal(await control("control=public,max-age=600"), "private, max-age=600");
      assert.equal(await control("control=no-store"), "no-store");
      assert.equal(await control("act=login&control=public"), "no-store");
    }
  },
);
