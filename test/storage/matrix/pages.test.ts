/** The storage pages say which versions were tested: those of the matrix, all of them and no other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pages } from "../../docs/pages.js";
import { ROWS } from "./rows.js";

const HEADING = "## Versions tested";

/** By client: its versions, and in how many configurations they were tried. */
function tested(driver: string): string[] {
  const clients = new Map<string, { versions: Set<string>; count: number }>();
  for (const row of ROWS.filter((one) => one.driver === driver && !("refused" in one))) {
    const [, name = "", version = ""] = /^(\S+) (.*)$/.exec(row.client)!;
    const known = clients.get(name) ?? { versions: new Set(), count: 0 };
    known.versions.add(version);
    known.count++;
    clients.set(name, known);
  }
  return [...clients].map(
    ([name, { versions, count }]) => `| \`${name}\` | ${[...versions].join(", ")} | ${count} |`,
  );
}

for (const driver of ["redis", "postgres", "mysql", "sqlite", "memcached", "mongodb", "dynamodb", "upstash"]) {
  test(`${driver}: the page's table of versions is what the matrix runs`, () => {
    const text = pages.find(({ path }) => path.endsWith(`storages/${driver}.md`))!.text;
    assert.ok(text.includes(HEADING));
    const section = text.slice(text.indexOf(HEADING) + HEADING.length).split("\n## ")[0]!;
    const rows = section.split("\n").filter((line) => line.startsWith("| `"));
    assert.deepEqual(
      rows,
      tested(driver),
      `write this into docs/storages/${driver}.md:\n${tested(driver).join("\n")}`,
    );
    assert.match(section, /Servers: .*\d/);
  });
}
