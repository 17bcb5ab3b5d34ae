import assert from "node:assert/strict";
import type { Handle, Routes } from "../../support/apps.js";
import { basic, COOKIE, type Case, type World } from "../world.js";

export const cookies: readonly Case[] = [
  {
    name: "a cookie of the handler's own, in every way the framework has, beside a new session's",
    run: (world) => everyWay(world, (h) => h.session.set("user", "ann"), true),
  },
  {
    name: "a cookie of the handler's own, in every way the framework has, beside no cookie of ours",
    run: (world) => everyWay(world, (h) => void h.session.get("user"), false),
  },
  {
    name: "a cookie of the handler's own stays beside the removal of ours",
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
];

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
