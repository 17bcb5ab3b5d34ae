import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { compiled, pageAt, root } from "./pages.js";
import { clientOf, programsOf, type Module } from "./running.js";

/** Frameworks whose own build compiles an example, with the language of their blocks: `npm run adapters` runs it. */
const BUILT = {
  "react-router": "js",
  astro: "js",
  nuxt: "js",
  "tanstack-start": "js",
  elysia: "js",
  nestjs: "typescript",
};
/** Where their files are, below the root. */
const PLACES = ["examples", "test/frameworks"];

for (const [name, own] of Object.entries(BUILT)) {
  test(`the code on the page of ${name} is that of its example`, () => {
    const blocks = pageAt(`frameworks/${name}`).blocks.filter(({ language }) => language === own);
    assert.ok(blocks.length >= 4);
    for (const { code } of blocks) {
      const [, path = ""] = /^\/\/ (\S+)\n/.exec(code) ?? [];
      const file = PLACES.map((place) => join(root, place, name, path)).find((one) => existsSync(one));
      assert.ok(path !== "" && file, code);
      const shown = code.slice(code.indexOf("\n") + 1).trim();
      assert.ok(readFileSync(file, "utf8").includes(shown), `${path}:\n${shown}`);
    }
  });
}

const ours = [pageAt("frameworks/neighbours"), pageAt("frameworks/runtimes")] as const;
const result = await compiled({}, ours);
after(result.remove);
const [neighbours, runtimes] = ours.map((page) => programsOf(page, result.directory));

test("the programs of the pages about neighbours and runtimes compile", () => assert.equal(result.says, ""));

test("the error handler of the page about neighbours answers if a save fails after the response", async (t) => {
  const { sessions }: Module = await neighbours![0]!.run();
  const error = t.mock.method(console, "error", () => {});
  const client = await clientOf(t, (req, res) =>
    sessions(req, res, () => {
      // Each fits into a record, both together do not: only the save notices.
      for (const name of ["one", "two"]) sessions.get(req).set(name, "x".repeat(40_000));
      res.end("done");
    }),
  );
  const { status, body, setCookies } = await client.get("/");
  assert.deepEqual(
    { status, body, setCookies },
    { status: 503, body: "Please try again in a moment.", setCookies: [] },
  );
  assert.equal(error.mock.callCount(), 1);
});

test("the handler of the page about runtimes counts visits, and a response that is thrown has the session", async () => {
  const { handler }: Module = await runtimes![0]!.run();
  const first: Response = await handler(new Request("http://localhost/"));
  assert.deepEqual(await first.json(), { visits: 1 });
  const cookie = first.headers.getSetCookie()[0]!.split(";")[0]!;
  const second: Response = await handler(new Request("http://localhost/", { headers: { cookie } }));
  assert.deepEqual(await second.json(), { visits: 2 });
  const { login }: Module = await runtimes![1]!.run();
  const thrown: Response = await login(new Request("http://localhost/login", { headers: { cookie } })).catch(
    (response: unknown) => response,
  );
  assert.deepEqual([thrown.status, thrown.headers.get("location")], [303, "http://localhost/"]);
  assert.match(thrown.headers.getSetCookie()[0]!, /^session_id=/);
});
