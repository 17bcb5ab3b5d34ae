import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

/** `npm test` is only worth something if it cannot be green by mistake. */
interface Result {
  readonly cpu: number;
  readonly passed: number;
  readonly skipped: readonly { name: string; why: string }[];
  readonly failures: readonly { name: string; error: string }[];
  readonly output: { readonly stdout: string; readonly stderr: string };
}
type RunTests = (
  files: readonly string[],
  done: (result: Result) => void,
  timeout?: number,
  loadOf?: (file: string) => number,
) => Promise<void>;
type Times = Readonly<Record<string, { readonly seconds: number; readonly cpu: number }>>;
interface TestTimes {
  readTimes(): Times;
  longestFirst(files: readonly string[], times: Times): string[];
  loadOf(file: string, times: Times): number;
}

const { runTests } = (await import(new URL("../../scripts/run-tests.mjs", import.meta.url).href)) as {
  runTests: RunTests;
};
const { readTimes, longestFirst, loadOf } = (await import(
  new URL("../../scripts/test-times.mjs", import.meta.url).href
)) as TestTimes;
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

test("a promise that never settles, an early exit, an empty file, a file that does not load: all fail", async () => {
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

/** Writes programs as test files, which may use `assert`, `fs`, `test` and `sleep`. */
function written(place: string, programs: Readonly<Record<string, string>>): string[] {
  const imports =
    'import assert from "node:assert"; import fs from "node:fs"; import { test } from "node:test"; import { setTimeout as sleep } from "node:timers/promises";';
  return Object.entries(programs).map(([name, program]) => {
    const file = join(place, `${name}.test.mjs`);
    writeFileSync(file, `${imports}\n${program}`);
    return file;
  });
}

test("nothing runs beside a file that needs the whole machine", async () => {
  const place = mkdtempSync(join(directory, "alone-"));
  const marks = JSON.stringify(`${place}/`);
  const marked = (name: string) => `test("a", async () => {
    const isRunning = (name) => fs.existsSync(${marks} + name);
    assert.ok(!isRunning("alone") && ("${name}" !== "alone" || !(isRunning("before") || isRunning("after"))));
    fs.writeFileSync(${marks} + "${name}", "");
    await sleep(200);
    fs.unlinkSync(${marks} + "${name}");
  });`;
  const files = written(place, Object.fromEntries(["before", "alone", "after"].map((name) => [name, marked(name)])));
  const first = await failuresOf(files, (file) => (file.includes("alone.test") ? Infinity : 1));
  const last = await failuresOf(files.toReversed(), (file) => (file.includes("alone.test") ? Infinity : 1));
  assert.deepEqual([...first, ...last], []);
});

test("a file that waits runs beside one that computes; another that computes begins when that has ended", async () => {
  const place = mkdtempSync(join(directory, "beside-"));
  const [ended, beside] = [join(place, "ended"), join(place, "beside")].map((path) => JSON.stringify(path));
  const programs = {
    computes: `test("a", async () => {
      for (let i = 0; !fs.existsSync(${beside}); i++) { assert.ok(i < 500, "nothing ran beside"); await sleep(20); }
      fs.writeFileSync(${ended}, "");
    });`,
    "computes too": `test("b", () => assert.ok(fs.existsSync(${ended}), "begun too soon"));`,
    waits: `test("c", () => fs.writeFileSync(${beside}, ""));`,
  };
  const files = written(place, programs);
  const load = (file: string) => (file.includes("computes") ? Math.min(4, availableParallelism()) : 0);
  assert.deepEqual(await failuresOf(files, load), []);
});

/** What fails when these files run, each of which is to be run. */
async function failuresOf(files: readonly string[], load: (file: string) => number): Promise<Result["failures"]> {
  const results: Result[] = [];
  await runTests(files, (result) => results.push(result), 20_000, load);
  assert.equal(results.length, files.length);
  return results.flatMap(({ failures }) => failures);
}

test("the processor time of a file is that of its process and of what it started", async () => {
  const busy = "const end = process.cpuUsage().user + 100_000; while (process.cpuUsage().user < end);";
  const { cpu } = await outcome(
    `import { spawn, spawnSync } from "node:child_process"; import { once } from "node:events";
    test("itself", () => { ${busy} });
    test("a child that ended", () => void spawnSync(process.execPath, ["-e", ${JSON.stringify(busy)}]));
    test("one that runs", async () => {
      const child = spawn(process.execPath, ["-e", ${JSON.stringify(`${busy} console.log(1); setInterval(() => {}, 1000)`)}]);
      await once(child.stdout, "data"); child.unref(); child.stdout.destroy(); child.stdin.destroy(); child.stderr.destroy();
    });`,
    60_000,
  );
  assert.ok(cpu >= (process.platform === "linux" ? 0.3 : 0.1), `${cpu} s`);
});

test("the longest files begin first; each that is listed is there, and what waits counts for less", () => {
  const times = { "a/short": { seconds: 5, cpu: 5 }, "a/long": { seconds: 50, cpu: 5 } };
  const [short, long, unknown] = ["a/short.test.js", "a/long.test.js", "a/unknown.test.js"];
  assert.deepEqual(longestFirst([unknown, short, long], times), [long, short, unknown]);
  assert.deepEqual(
    [short, long, unknown].map((file) => loadOf(file, times)),
    [1, 0.2, 1],
  );
  const absent = Object.keys(readTimes()).filter(
    (name) => !existsSync(fileURLToPath(new URL(`../../test/${name}.test.ts`, import.meta.url))),
  );
  assert.deepEqual(absent, []);
});

test("each file that npm test leaves to --all exists, and is named once", async () => {
  const { entries, isForAll, isAlone } = (await import(
    new URL("../../scripts/test-plan.mjs", import.meta.url).href
  )) as {
    entries: readonly (readonly [why: string, prefix: string])[];
    isForAll: (file: string) => boolean;
    isAlone: (file: string) => boolean;
  };
  const sources = fileURLToPath(new URL("../../test", import.meta.url));
  const built = readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => file.replaceAll("\\", "/").replace(/\.ts$/, ".js"));
  for (const [, prefix] of entries)
    assert.equal(
      built.some((file) => file.startsWith(prefix.endsWith("/") ? prefix : `${prefix}.test.js`)),
      true,
      prefix,
    );
  assert.equal(new Set(entries.map(([, prefix]) => prefix)).size, entries.length);
  const left = built.filter(isForAll);
  assert.ok(left.length > 0 && left.length < built.length / 3, `${left.length} of ${built.length}`);
  assert.ok(!isForAll("storage/postgres.test.js") && isForAll("storage/failover/redis.test.js"));
  assert.ok(!isAlone("storage/postgres.test.js") && isAlone("storage/failover/redis.test.js"));
});
