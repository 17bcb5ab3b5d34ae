import assert from "node:assert/strict";
import type { Handle } from "../../support/apps.js";
import { begin } from "../../support/client.js";
import { until, within } from "../../support/within.js";
import { basic, codeOf, type Case } from "../world.js";

/** What becomes of those who ask for a session that could not be loaded. */
export const unloaded: readonly Case[] = [
  {
    name: "attack 70: reading a session that could not be loaded throws that failure, asking for it with find throws nothing",
    async run(world) {
      const { adapter } = world;
      const probe = async (sessions: any, context: readonly any[]): Promise<string> => {
        const [request] = context;
        const codes = [
          await codeOf(() => sessions.get(request)),
          await codeOf(() => sessions.load(request)),
          await codeOf(() => sessions.find(request)),
        ];
        return [...codes, sessions.find(request)].join();
      };
      const stage = await world.stage(basic, {
        session: {
          storageTimeout: 40,
          errorHandler: async (_error, ...context) =>
            adapter.answerError(context, 418, await probe(stage.app.sessions[0], context)),
        },
      });
      const { client, storage } = stage;
      await client.get("/put");
      storage.fail("get");
      assert.equal((await client.get("/who")).body, "storage,storage,none,");
      storage.heal();
      storage.hang("get");
      assert.equal((await client.get("/who")).body, "timeout,timeout,none,");
    },
  },
  {
    name: "lazy: reading a session whose loading failed throws that failure",
    async run(world) {
      const { client, storage } = await world.stage(
        {
          "/put": async (h) => ((await h.loadSession()).set("user", "ann"), h.answer({ body: "put" })),
          "/who": async (h) =>
            h.json([
              await codeOf(() => h.loadSession()),
              await codeOf(() => h.getSession()),
              await codeOf(() => h.loadSession()),
              h.findSession() === undefined,
            ]),
        },
        { session: { load: "lazy" } },
      );
      await client.get("/put");
      storage.fail("get");
      assert.deepEqual((await client.get("/who")).json(), ["storage", "storage", "storage", true]);
    },
  },
  {
    name: "an error page that asks with findSession works while the storage is down",
    async run(world) {
      const { client, storage } = await world.stage(basic, {
        errorPage: (h, error) => `sorry ${h.findSession()?.get("user")}, ${(error as { code: string }).code}`,
      });
      await client.get("/put");
      storage.fail("get");
      const answer = await client.get("/who");
      assert.equal(answer.status, 503);
      // Where there is no error path of a framework, no page was asked for.
      if (world.adapter.name !== "node" && world.adapter.name !== "fetch")
        assert.equal(answer.body, "sorry undefined, storage");
    },
  },
  {
    name: "an error page that reads the session itself while the storage is down: 503 all the same",
    async run(world) {
      const { app, client, storage } = await world.stage(basic, {
        errorPage: (h) => `sorry ${h.session.get("user")}`,
      });
      await client.get("/put");
      storage.fail("get");
      assert.equal((await client.get("/who")).status, 503);
      assert.deepEqual([...new Set(app.errors.map((error) => (error as { code?: string }).code))], ["storage"]);
      storage.heal();
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "a logger that reads the session after the response: no exception, with the storage up, down or not called",
    async run(world) {
      for (const load of ["eager", "lazy"] as const) {
        const users: string[] = [];
        const { client, storage } = await world.stage(
          {
            ...basic,
            "/put": async (h) => ((await h.loadSession()).set("user", "ann"), h.answer({ body: "put" })),
            "/load": async (h) => h.answer({ body: String((await h.loadSession()).get("user")) }),
          },
          { session: { load }, log: (h) => void users.push(userOf(h)) },
        );
        const logged = async (path: string): Promise<readonly [number, string | undefined]> => {
          users.length = 0;
          const { status } = await client.get(path);
          await until("the log", () => users.length === 2);
          return [status, users.at(-1)];
        };
        await client.get("/put");
        await until("the log", () => users.length === 2);
        assert.deepEqual(await logged("/load"), [200, "ann"], load);
        assert.deepEqual(await logged("/plain"), [200, load === "eager" ? "ann" : "undefined"], load);
        storage.fail("get");
        assert.deepEqual(await logged("/load"), [503, "undefined"], load);
        assert.deepEqual(await logged("/plain"), [load === "eager" ? 503 : 200, "undefined"], load);
      }
    },
  },
  {
    name: "a logger that reads the session after the client disconnected before it was loaded: no exception",
    async run(world) {
      const users: string[] = [];
      const { app, client, storage } = await world.stage(basic, { log: (h) => void users.push(userOf(h)) });
      await client.get("/put");
      await until("the log", () => users.length === 2);
      users.length = 0;
      const gate = storage.park("get");
      const { req, response } = begin(app.origin, "/who", { headers: { cookie: client.cookieHeader } });
      await within(2000, "get", gate.reached);
      req.destroy();
      await response.catch(() => {});
      await until("the log", () => users.length > 0);
      assert.equal(users[0], "undefined");
      storage.heal();
      gate.release();
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
];

/** As a function that writes a log says it: Hono's variable is not there before the session is loaded. */
function userOf({ session }: Handle): string {
  return String(session?.get("user"));
}
