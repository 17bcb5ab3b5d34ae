import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as {
  fromNpm(packages: Readonly<Record<string, string>>): string;
};

let source: string | undefined;

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Fails if axe-core finds anything on a page as it is now, best practices and experimental rules included. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  source ??= readFileSync(join(fromNpm({ "axe-core": "4.14.1" }), "node_modules", "axe-core", "axe.min.js"), "utf8");
  await page.evaluate(source);
  const violations = (await page.evaluate(
    `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      rules: { "label-content-name-mismatch": { enabled: true }, "target-size": { enabled: true } } })
      .then(({ violations }) => violations)`,
  )) as readonly Violation[];
  const found = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map((node) => `  ${node.html}\n  ${node.failureSummary}`).join("\n")}`,
  );
  assert.deepEqual(found, [], `axe-core on ${what}`);
}
