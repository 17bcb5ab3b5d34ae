import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { NOWHERE, startServers, temporaryDirectory, type Servers } from "./play.js";
import { SABOTAGES } from "./sabotage.js";
import { STORIES } from "./stories.js";

describe("the stories, played over a storage that is broken", { concurrency: 4 }, () => {
  const directory = temporaryDirectory();
  let servers: Servers;
  before(async () => {
    servers = await startServers(
      "sabotage",
      Object.keys(SABOTAGES).map((name) => ({ name, where: { ...NOWHERE, url: join(directory, `${name}.db`) } })),
    );
  });
  after(() => servers.stop());

  for (const [name, { caughtBy }] of Object.entries(SABOTAGES)) {
    test(`what is broken: ${name}`, async () => {
      const failed: string[] = [];
      for (const story of STORIES) {
        await story.play(servers.world(name)).catch((error: Error) => {
          assert.equal(error.name, "AssertionError", `${story.name} fails by what it sees: ${error.stack}`);
          failed.push(story.name);
        });
      }
      assert.deepEqual(
        failed,
        STORIES.map((story) => story.name).filter((one) => caughtBy.some((start) => one.startsWith(start))),
      );
    });
  }
});

test("every story fails over one of these storages, and each of them fails a story but the one where nothing is broken", () => {
  const all = Object.values(SABOTAGES).flatMap(({ caughtBy }) => caughtBy);
  assert.deepEqual(
    STORIES.map(({ name }) => name).filter((name) => !all.some((start) => name.startsWith(start))),
    [],
  );
  assert.deepEqual(
    all.filter((start) => !STORIES.some(({ name }) => name.startsWith(start))),
    [],
  );
  assert.deepEqual(
    Object.keys(SABOTAGES).filter((name) => SABOTAGES[name]!.caughtBy.length === 0),
    ["nothing"],
  );
});
