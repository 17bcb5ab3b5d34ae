import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { unlessMissing } from "../../support/services.js";

/**
 * The same probes over HTTP for Holdfast and for other libraries, run here; what docs/understand/comparison.md says of
 * them must be what they do.
 */
interface Seen {
  readonly lines: readonly { readonly id: string; readonly line: string }[];
  readonly results: readonly Result[];
}

interface Result {
  readonly library: string;
  readonly packages: readonly string[];
  readonly outcomes: Readonly<Record<string, { readonly kept: boolean; readonly saw: string }>>;
}

const root = new URL("../../../", import.meta.url);
const { seenOfPeers } = (await import(new URL("scripts/peers.mjs", root).href)) as { seenOfPeers(): Promise<Seen> };
const { markdown, plain } = (await import(new URL("bench/peers/table.mjs", root).href)) as Record<
  "markdown" | "plain",
  (seen: Seen) => string
>;

await unlessMissing("redis", "", async () => {
  const seen = await seenOfPeers();

  suite("Holdfast keeps all that the probes ask for", () => {
    const own = seen.results.filter(({ library }) => library === "Holdfast");

    test("they ran on every framework that a peer is for", () => {
      assert.deepEqual(
        own.map(({ packages }) => packages[0]!.split(" ")[0]),
        ["express", "fastify", "koa", "hono"],
      );
    });

    for (const { packages, outcomes } of own) {
      test(`on ${packages[0]}`, () => {
        assert.deepEqual(
          Object.keys(outcomes),
          seen.lines.map(({ id }) => id),
          "nothing was left out",
        );
        assert.deepEqual(
          Object.entries(outcomes).filter(([, { kept }]) => !kept),
          [],
        );
      });
    }
  });

  test("the page's table is what was seen just now, with these versions; `npm run peers -- --markdown` prints it", () => {
    const [, written] =
      /<!-- peers -->\n\n(.*)\n<!-- \/peers -->/s.exec(
        readFileSync(new URL("docs/understand/comparison.md", root), "utf8"),
      ) ?? [];
    assert.equal(withoutCircumstances(written!), withoutCircumstances(markdown(seen)));
  });

  test("the table for a terminal says of each thing that was not kept what was seen", () => {
    const text = plain(seen);
    const lost = seen.results.flatMap(({ outcomes }) => Object.values(outcomes).filter(({ kept }) => !kept));
    assert.ok(lost.length > 0);
    for (const { saw } of lost) assert.ok(text.includes(saw), saw);
  });
});

/** The day, this Node and this Redis may be others. */
function withoutCircumstances(text: string): string {
  const line = /^Measured on \d{4}-\d\d-\d\d with Node [\d.]+, Redis [\d.]+ and/m;
  assert.match(text, line);
  return text.replace(line, "Measured with").trim();
}
