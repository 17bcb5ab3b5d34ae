import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ownVersion } from "./packages.js";
import type { Framework, RunningApp } from "./framework.js";
import { FRAMEWORKS, QUICK } from "./list.js";
import { rowsOf } from "./play.js";
import { main } from "./run.js";

/** The newest version of every framework that starts in this process; `npm run adapters` runs all of all. */
for (const framework of QUICK) {
  const version = framework.versions[0]!;
  suite(`${framework.name} ${version}`, () => {
    let app: RunningApp;
    before(async () => void (app = await framework.start(version)));
    after(() => app.close());
    for (const row of rowsOf({ framework, version }))
      test(row.name, { skip: row.reason ?? false }, () => row.run(app));
  });
}

const byLength = (one: string, other: string): number => one.length - other.length;

test("every framework and version has a name of its own, and every reason names a case", () => {
  const titles = FRAMEWORKS.flatMap(({ name, versions }) => versions.map((version) => `${name} ${version}`));
  assert.equal(new Set(titles).size, titles.length);
  for (const framework of FRAMEWORKS) {
    const names = rowsOf({ framework, version: framework.versions[0]! }).map(({ name }) => name);
    const { without = {}, withoutIn = {} } = framework;
    const ofVersions = Object.keys(withoutIn).map((name) => {
      const version = framework.versions
        .filter((one) => name.startsWith(`${one} `))
        .toSorted(byLength)
        .at(-1);
      assert.ok(version !== undefined, `${framework.name}: ${name}`);
      return name.slice(version.length + 1);
    });
    const reasons = [...Object.keys(without), ...ofVersions];
    for (const name of reasons)
      assert.ok(
        names.some((one) => one.endsWith(name)),
        `${framework.name}: ${name}`,
      );
  }
});

test("a session that does not hold is found: each case of the suite fails on an application without one", async () => {
  const broken: Framework = {
    name: "broken",
    versions: [ownVersion("hono")],
    start: async () => {
      const { serveFetch } = await import("./apps/fetch.js");
      return serveFetch(() => new Response('{ "owner": "eve", "data": { "a": 1 } }', { status: 200 }));
    },
  };
  const app = await broken.start("");
  try {
    for (const { name, run } of rowsOf({ framework: broken, version: "" })) {
      if (!name.startsWith("a visitor whose session is not used")) await assert.rejects(run(app), name);
    }
  } finally {
    await app.close();
  }
});

test("a pattern that matches nothing is said, with what there is", async (t) => {
  const said = t.mock.method(console, "log", () => {});
  assert.equal(await main(["no such framework"]), 1);
  assert.match(String(said.mock.calls[0]!.arguments[0]), /nothing matches no such framework; there are node:http /);
});
