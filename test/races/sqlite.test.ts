import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { SQLITE_ENVIRONMENT, SQLITE_RUNTIMES } from "../support/sqlite-runtimes.js";
import { SUBJECTS } from "../support/storage-subjects.js";
import { columnsOf, FAMILIES, type Family } from "./columns.js";
import { NOWHERE, playColumns, temporaryDirectory } from "./play.js";

const directory = temporaryDirectory();
const columns = (await columnsOf("sqlite")).map(({ name }) => ({ name, where: { ...NOWHERE, url: join(directory, `${name.replaceAll(":", "-")}.db`) } }));

/** Each client in a runtime that has it. */
for (const runtime of new Set(Object.values(SQLITE_RUNTIMES))) {
  const its = columns.filter(({ name }) => SQLITE_RUNTIMES[name as keyof typeof SQLITE_RUNTIMES] === runtime);
  playColumns("sqlite", its, { runtime, env: SQLITE_ENVIRONMENT });
}

test("the stories are played by every client that npm run storages knows", async () => {
  const families = Object.keys(FAMILIES).filter((family) => family !== "sabotage") as Family[];
  const columns = (await Promise.all(families.map(columnsOf))).flat();
  const counted = (servers: readonly string[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const server of servers.toSorted()) counts[server] = (counts[server] ?? 0) + 1;
    return counts;
  };
  assert.deepEqual(counted(columns.map(({ name, server }) => server ?? name)), counted(SUBJECTS.map(({ server }) => server)));
});
