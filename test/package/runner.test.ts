import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

/** `npm test` is only worth something if it cannot be green by mistake. */
interface Result {
  readonly passed: number;
  readonly skipped: readonly { name: string; why: string }[];
  readonly failures: readonly { name: string; error: string }[];
  readonly output: { readonly stdout: string; readonly stderr: string };
}
type RunTests = (files: readonly string[], done: (result: Result) => void, timeout?: number) => Promise<void>;

const { runTests } = (await import(new URL("../../scripts/run-tests.mjs", import.meta.url).href)) as {
  runTests: RunTests;
};
const directory = mkdtempSync(join(tmpdir(), "holdfast-runner-"));
after(() => rmSync(directory, { recursive: true, force: true }));

async function outcome(program: string, timeout = 20_000): Promise<Result> {
  const file = join(mkdtempSync(join(directory, "case-")), "one.test.mjs");
  writeFileSync(file, `import assert from "node:assert"; import { describe, test } from "node:test";\n${program}`);
  const results: Result[] = [];
  await runTests([file], (result) => results.push(result), timeout);
  assert.equal(results.length, 1);
  return results[0]!;
}

test("tests are counted, suites are not; what was printed is kept", async () => {
  const { passed, skipped, failures, output } = await outcome(
    'console.log("a table"); describe("s", () => { test("a", () => {}); test("b", () => {}); }); test.skip("c"); test("d", { skip: "why" }, () => {});',
  );
  assert.deepEqual([passed, skipped.length, failures], [2, 2, []]);
  assert.equal(skipped[1]?.why, "why");
  assert.equal(output.stdout, "a table");
});

test("a failure is named with its suite, once, and says why", async () => {
  const { passed, failures } = await outcome(
    'describe("s", () => { test("a", () => assert.equal(1, 2)); }); test("p", async (t) => { await t.test("q", () => { throw new Error("no"); }); });',
  );
  assert.deepEqual([passed, failures.map(({ name }) => name)], [0, ["s › a", "p › q"]]);
  assert.match(failures[0]?.error ?? "", /1 == 2/);
  assert.match(failures[1]?.error ?? "", /Error: no/);
});

test("a file that hangs fails, and the test that hangs is named", async () => {
  const { passed, failures } = await outcome(
    'test("quick", () => {}); test("stuck", () => new Promise(() => setInterval(() => {}, 1000)));',
    1500,
  );
  assert.deepEqual([passed, failures.length], [1, 1]);
  assert.match(failures[0]?.error ?? "", /did not end within 1\.5 s .* running: stuck$/);
});

test("a file that keeps running after its tests fails", async () => {
  const { failures } = await outcome('test("quick", () => {}); setInterval(() => {}, 1000);', 1500);
  assert.match(failures[0]?.error ?? "", /did not end/);
});

test("a promise that nobody settles, an early exit, an empty file, a file that does not load: all fail", async () => {
  const programs = [
    'test("never", () => new Promise(() => {}));',
    'test("a", () => process.exit(0)); test("b", () => {});',
    'test("a", () => {}); test("b", () => process.exit(0));',
    "",
    'import "./absent.mjs"; test("a", () => {});',
    'test("a", () => { setTimeout(() => { throw new Error("late"); }, 20); });',
  ];
  for (const program of programs) {
    const { failures } = await outcome(program);
    assert.ok(failures.length > 0, program);
  }
});
