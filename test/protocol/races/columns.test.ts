import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { SUBJECTS } from "../../support/storage-subjects.js";
import { columnsOf, FAMILIES, type Family } from "./columns.js";

const families = Object.keys(FAMILIES).filter((family) => family !== "sabotage") as Family[];

// MySQL is played by `npm run storages` alone: the same driver and clients as MariaDB, on a server that changes often.
test("the stories have a column for every client that npm run storages knows", async () => {
  const columns = (await Promise.all(families.map(columnsOf))).flat();
  const counted = (servers: readonly string[]): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const server of servers.toSorted()) counts[server] = (counts[server] ?? 0) + 1;
    return counts;
  };
  assert.deepEqual(
    counted(columns.map(({ name, server }) => server ?? name)),
    counted(SUBJECTS.map(({ server }) => server).filter((server) => server !== "mysql")),
  );
});

test("every column is played by a test file", async () => {
  const here = new URL(".", import.meta.url);
  const texts = readdirSync(here).flatMap((file) =>
    file.endsWith(".test.js") ? [readFileSync(new URL(file, here), "utf8")] : [],
  );
  const isPlayed = (family: Family, server: string | undefined): boolean =>
    texts.some(
      (text) =>
        [`playColumns("${family}"`, `playColumns(\n  "${family}"`, `playFamily("${family}"`].some((call) =>
          text.includes(call),
        ) &&
        (!text.includes("{ server: ") || text.includes(`{ server: "${server}" }`)),
    );
  for (const family of families) {
    for (const { name, server } of await columnsOf(family)) assert.ok(isPlayed(family, server), name);
  }
});
