import assert from "node:assert/strict";
import { overHttp2, type Sent } from "../../support/client.js";
import { basic, COOKIE, type Case, type Stage, type World } from "../world.js";

const LOGIN = "https://login.example.com";

const HANDSHAKE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

export const crossOrigin: readonly Case[] = [
  {
    name: "attack 114: crossOriginProtection: an unsafe request of another origin gets a 403 through the framework's error path; neither handler nor storage is called",
    async run(world) {
      const stage = await protectedStage(world);
      const { client, storage, app } = stage;
      await client.get("/put?user=ann");
      const token = client.cookies.get(COOKIE);
      storage.forget();
      for (const sent of foreign(app.origin)) {
        const earlier = app.errors.length;
        const answer = await client.send("/put?user=eve", sent);
        assert.equal(answer.status, 403, JSON.stringify(sent));
        assert.doesNotMatch(answer.body, /put/);
        assert.deepEqual(answer.setCookies, []);
        assert.deepEqual(
          app.errors.slice(earlier).map((error) => (error as { code?: string }).code),
          ["cross-origin"],
        );
      }
      assert.deepEqual(storage.counts, {});
      assert.equal(client.cookies.get(COOKIE), token);
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "crossOriginProtection: requests of the own origin, of a trusted one, of programs, and those that change nothing pass",
    async run(world) {
      const { newClient, app } = await protectedStage(world);
      for (const sent of own(app.origin)) {
        const client = newClient();
        const answer = await client.send("/put?user=ann", sent);
        assert.equal(answer.status, 200, JSON.stringify(sent));
        assert.ok(answer.cookie(COOKIE), JSON.stringify(sent));
      }
      assert.deepEqual(app.errors, []);
    },
  },
  {
    name: "crossOriginProtection: the application's error page responds",
    async run(world) {
      const { client } = await world.stage(basic, {
        crossOrigin: {},
        errorPage: (_handle, error) => `sorry: ${(error as { code: string }).code}`,
      });
      const answer = await client.post("/put", { headers: { "sec-fetch-site": "cross-site" } });
      assert.deepEqual([answer.status, answer.body], [403, "sorry: cross-origin"]);
    },
  },
  {
    name: "crossOriginProtection: a WebSocket's handshake of another origin is refused",
    async run(world) {
      const { client, app } = await protectedStage(world);
      const shake = (origin: string): ReturnType<typeof client.get> =>
        client.get("/plain", { headers: { ...HANDSHAKE, origin } });
      assert.equal((await shake("https://evil.example")).status, 403);
      assert.equal((await shake(app.origin)).status, 200);
      assert.equal((await shake(LOGIN)).status, 200);
    },
  },
  {
    name: "crossOriginProtection: the host of HTTP/2 is `:authority`",
    async run(world) {
      const { app } = await world.stage(basic, { crossOrigin: {}, isHttp2: true, errorPage: () => "no" });
      const post = async (origin: string): Promise<number> =>
        (await overHttp2(app.port, "/plain", { ":method": "POST", origin })).status;
      assert.deepEqual([await post(app.origin), await post("http://evil.example")], [200, 403]);
    },
  },
];

function protectedStage(world: World): Promise<Stage> {
  return world.stage(basic, { crossOrigin: { trustedOrigins: [LOGIN] } });
}

const foreign = (origin: string): readonly Sent[] => {
  const sent: readonly Record<string, string | string[]>[] = [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "cross-site", origin: "https://evil.example" },
    { "sec-fetch-site": "cross-site", origin },
    { "sec-fetch-site": ["same-origin", "cross-site"] },
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: `${origin}.evil.example` },
    { origin: "https://evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https" },
  ];
  return sent.flatMap((headers) => ["POST", "PUT", "DELETE"].map((method) => ({ method, headers })));
};

const own = (origin: string): readonly Sent[] => [
  { method: "POST" },
  { method: "POST", headers: { "sec-fetch-site": "same-origin", origin: "null" } },
  { method: "POST", headers: { "sec-fetch-site": "none" } },
  { method: "POST", headers: { origin } },
  { method: "POST", headers: { origin: LOGIN, "sec-fetch-site": "cross-site" } },
  { method: "PUT", headers: { origin: LOGIN } },
  { method: "GET", headers: { "sec-fetch-site": "cross-site", origin: "https://evil.example" } },
  { method: "HEAD", headers: { "sec-fetch-site": "cross-site" } },
];
