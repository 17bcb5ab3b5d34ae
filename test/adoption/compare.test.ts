import assert from "node:assert/strict";
import { test } from "node:test";
import { differences } from "./compare.js";
import { meantBy, type Meant } from "./meant.js";
import { play } from "./play.js";
import { count, type Program } from "./program.js";
import { judge, staleAmong } from "./run.js";

/** What the comparison notices. */

const visit: Program = { name: "a visit", visit: async (client) => void (await client.get("/count")) };

const changed: Readonly<Record<string, Program>> = {
  "another body": { ...visit, routes: { "/count": (_req, res) => res.end("another") } },
  "another status": {
    ...visit,
    routes: { "/count": (req, res, next, kit) => count(req, res.status(201), next, kit) },
  },
  "another cookie": { ...visit, options: { cookie: { httpOnly: false } } },
  "other contents of the store": {
    ...visit,
    routes: {
      "/count": (req, res, next, kit) => {
        req.session.more = true;
        count(req, res, next, kit);
      },
    },
  },
};

test("two runs of one program do not differ", async () => {
  const [one, two] = [await play(visit, "express-session"), await play(visit, "express-session")];
  assert.deepEqual(differences(one, two, false), []);
  assert.ok(one.length > 5);
});

for (const [name, program] of Object.entries(changed)) {
  test(`${name} is a difference`, async () => {
    const [one, two] = [await play(visit, "express-session"), await play(program, "express-session")];
    assert.notDeepEqual(differences(one, two, false), []);
  });
}

test("a difference is meant only if an entry names it, and an entry that nothing shows is stale", () => {
  const entry: Meant = { program: "a visit", side: "store", field: /^body$/, ours: /^ours$/, why: "for this test" };
  const difference = { step: "1 GET /", field: "body", theirs: "theirs", ours: "ours" };
  assert.equal(meantBy(difference, "a visit", "store", [entry]), entry);
  assert.equal(meantBy({ ...difference, field: "status" }, "a visit", "store", [entry]), undefined);
  assert.equal(meantBy({ ...difference, ours: "else" }, "a visit", "store", [entry]), undefined);
  assert.equal(meantBy(difference, "another", "store", [entry]), undefined);
  assert.equal(meantBy(difference, "a visit", "storage", [entry]), undefined);
  const note = (value: string) => [{ step: "1 GET /", field: "status", value }];
  assert.equal(judge(visit, "store", note("200"), note("500")).wrong.length, 1);
  assert.deepEqual(staleAmong([judge(visit, "store", note("200"), note("200"))], [entry]), [entry]);
});
