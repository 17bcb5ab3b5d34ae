import assert from "node:assert/strict";
import type { CookieOptions } from "holdfast";
import type { Handle, Handler, Routes } from "../../support/apps.js";
import { basic, COOKIE, type Case, type Stage, type World } from "../world.js";

export const cookies: readonly Case[] = [
  {
    name: "a cookie of the handler, set in every way of the framework, is sent together with a new session's",
    run: (world) => everyWay(world, (h) => h.session.set("user", "ann"), true),
  },
  {
    name: "a cookie of the handler, set in every way of the framework, is sent without a session cookie",
    run: (world) => everyWay(world, (h) => void h.session.get("user"), false),
  },
  {
    name: "a cookie of the handler is sent together with the removal of the session cookie",
    async run(world) {
      const { client } = await world.stage({
        ...basic,
        "/out": async (h) => {
          await h.session.destroy();
          return h.answer({ body: "bye", headers: { "set-cookie": "own=1; Path=/" } });
        },
      });
      await client.get("/put");
      const out = await client.get("/out");
      assert.equal(out.cookie("own"), "own=1; Path=/");
      assert.match(out.cookie(COOKIE)!, /^session_id=; Max-Age=0; /);
      assert.equal(out.setCookies.length, 2);
    },
  },
  {
    name: "attributes of the cookie for each request: a new one, a refresh, the removal and one opened explicitly have them; the function is given the framework's context",
    async run(world) {
      const stage = await world.stage(TENANTS, {
        session: { refreshInterval: 0, cookie: (...context: any[]) => ATTRIBUTES[tenantOf(world, context)]! },
      });
      for (const tenant of Object.keys(ATTRIBUTES)) await asTenant(stage, tenant);
      const byHand = await world.stage(TENANTS, {
        isMounted: false,
        session: { cookie: (...context: any[]) => ATTRIBUTES[tenantOf(world, context)]! },
      });
      for (const tenant of Object.keys(ATTRIBUTES)) {
        const { setCookies } = await byHand.newClient().get(`/${tenant}/open`);
        assert.equal(setCookies.length, 1);
        assert.ok(setCookies[0]!.includes(TAILS[tenant]!), setCookies[0]!);
      }
    },
  },
  {
    name: "attributes of the cookie that are wrong: an error by the error path that says what to write, before anything is stored",
    async run(world) {
      const wrong: [unknown, RegExp][] = [
        [{ domain: "a.test:80" }, /cookie\.domain is "a\.test:80"/],
        [{ name: "other" }, /has no option "name"/],
        [Promise.resolve({}), /must be synchronous/],
        [undefined, /cookie is undefined/],
      ];
      for (const [attributes, message] of wrong) {
        const { app, client, storage } = await world.stage(TENANTS, {
          session: { cookie: () => attributes as object },
        });
        const answer = await client.get("/a/put");
        assert.equal(answer.status, 500);
        assert.deepEqual([answer.setCookies, storage.counts, app.errors.length], [[], {}, 1]);
        assert.match((app.errors[0] as Error).message, message);
      }
    },
  },
];

/** By tenant. */
const ATTRIBUTES: Readonly<Record<string, CookieOptions>> = {
  a: { domain: "a.test", sameSite: "strict", secure: true },
  b: { path: "/b", sameSite: "none", partitioned: true },
};
const TAILS: Readonly<Record<string, string>> = {
  a: "; Path=/; Domain=a.test; HttpOnly; SameSite=Strict; Secure",
  b: "; Path=/b; HttpOnly; SameSite=None; Partitioned; Secure",
};

const TENANTS: Routes = Object.fromEntries(
  ["a", "b"].flatMap((tenant): [string, Handler][] => [
    [
      `/${tenant}/put`,
      (h) => {
        h.session.set("user", tenant);
        return h.answer({ body: "put" });
      },
    ],
    [`/${tenant}/who`, (h) => h.answer({ body: String(h.session.get("user")) })],
    [
      `/${tenant}/out`,
      async (h) => {
        await h.session.destroy();
        return h.answer({ body: "out" });
      },
    ],
    [
      `/${tenant}/open`,
      async (h) => {
        const session = await h.open();
        session.set("user", tenant);
        await session.save();
        return h.answer({ body: "opened" });
      },
    ],
  ]),
);

function tenantOf(world: World, context: readonly any[]): string {
  return world.adapter.pathOf(context).split("/")[1]!;
}

async function asTenant({ newClient }: Stage, tenant: string): Promise<void> {
  const client = newClient();
  const lines = [];
  for (const act of ["put", "who", "out"]) {
    const { status, setCookies } = await client.get(`/${tenant}/${act}`);
    assert.deepEqual([status, setCookies.length], [200, 1], act);
    assert.ok(setCookies[0]!.endsWith(TAILS[tenant]!), setCookies[0]!);
    lines.push(setCookies[0]!);
  }
  assert.match(lines[0]!, /^session_id=[\w-]{43}; Max-Age=1800; /);
  assert.equal(lines[1], lines[0]);
  assert.match(lines[2]!, /^session_id=; Max-Age=0; /);
}

async function everyWay(world: World, use: (h: Handle) => void, carriesOurs: boolean): Promise<void> {
  const ways = Object.entries(world.adapter.cookieWays);
  const routes: Routes = Object.fromEntries(
    ways.map(([, way], i) => [
      `/way${i}`,
      (h) => {
        use(h);
        return way(h, "own=1; Path=/");
      },
    ]),
  );
  const { newClient } = await world.stage({ ...basic, ...routes });
  for (const [i, [name]] of ways.entries()) {
    const client = newClient();
    const answer = await client.get(`/way${i}`);
    assert.match(answer.body, /^("?ok"?|OK|)$/, name);
    assert.deepEqual(
      answer.setCookies.map((line) => line.split("=")[0]).sort(),
      carriesOurs ? ["own", COOKIE] : ["own"],
      name,
    );
    assert.equal((await client.get("/who")).body, carriesOurs ? "ann" : "undefined", name);
  }
}
