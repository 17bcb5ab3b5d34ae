import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** What stands between a measurement and its table, and the packages it is made with. */
interface Result {
  readonly kind: string;
  readonly name: string;
  readonly addedOfFloor?: { median: number };
  readonly addedOfNode?: { median: number };
  readonly byRound: readonly { round: number; perSecond: number }[];
}
interface Verdict {
  readonly name: string;
  readonly value: number;
  readonly passed: boolean;
}

const root = new URL("../../", import.meta.url);
const bench = (file: string): Promise<any> => import(new URL(`bench/${file}`, root).href);
const read = (file: string) => JSON.parse(readFileSync(new URL(file, root), "utf8"));

/** Seconds that a run may take for what is not planned: to build, to start Redis, to print. */
const ELSE = 30;

const { quartiles } = await bench("stats.mjs");
const { parsed } = await bench("connection.mjs");
const { parse } = await bench("options.mjs");
const { longest, spoken } = await bench("duration.mjs");
const { targetsOf } = (await bench("targets.mjs")) as { targetsOf(result: Result, group: object): Verdict[] };

test("medians and quartiles of odd and even numbers of values, and of none", () => {
  assert.deepEqual(quartiles([5, 1, 3, 2, 4]), { median: 3, q1: 2, q3: 4 });
  assert.deepEqual(quartiles([4, 1, 3, 2]), { median: 2.5, q1: 1.75, q3: 3.25 });
  assert.equal(quartiles([]), undefined);
});

test("an answer is whole or awaited, with a length or in chunks", () => {
  const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok":true}';
  assert.deepEqual([parsed(whole).status, parsed(whole).body], [200, '{"ok":true}']);
  const chunked = 'HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"ok\r\n7\r\n":true}\r\n0\r\n\r\n';
  assert.deepEqual([parsed(chunked).status, parsed(chunked).body], [503, '{"ok":true}']);
  for (const text of [whole, chunked])
    for (let i = 0; i < text.length; i++) assert.equal(parsed(text.slice(0, i)), undefined, text.slice(0, i));
});

test("the command line refuses what is not there, and says what is", () => {
  assert.throws(() => parse(["--framework", "express,nest"]), /--framework nest: there are node, express, fastify/);
  assert.throws(() => parse(["--kind", "X"]), /--kind X: there are R, W, T, N, L/);
  assert.throws(() => parse(["--seconds", "soon"]), /--seconds soon is no number/);
  const { frameworks, latency, mode } = parse(["--short", "--latency", "1ms", "--framework", "koa"]);
  assert.deepEqual([frameworks, latency, mode], [["koa"], 1, "requests"]);
});

test("the short run is all contenders and kinds on five frameworks and both storages, planned for less than ten minutes", () => {
  const short = parse(["--short"]);
  assert.deepEqual(
    [short.frameworks, short.storages, short.kinds, short.names],
    [["node", "express", "fastify", "koa", "hono"], ["memory", "redis"], [..."TNRWL"], undefined],
  );
  assert.ok(short.rounds >= 5, `${short.rounds} rounds tell nothing`);
  assert.ok(longest(short) + ELSE < 600, `it is planned for ${spoken(longest(short))}`);
  assert.ok(longest(parse([])) > longest(short));
});

test("a plan counts starts, warm-ups and slices, each with what is around it", () => {
  const plan = {
    frameworks: ["node"],
    storages: ["memory"],
    names: ["floor"],
    kinds: ["R"],
    rounds: 10,
    sliceMs: 90,
    warmUp: { first: { ms: 490 }, again: { ms: 190 } },
  };
  const seconds = (plan: object) => Math.round(longest(plan) * 1000) / 1000;
  assert.equal(seconds(plan), 2 * 0.5 + 2 * 0.5 + 10 * 3 * 0.1);
  assert.equal(seconds({ ...plan, kinds: ["R", "W"] }), 2 * 0.5 + 2 * (0.5 + 0.2) + 2 * 10 * 3 * 0.1);
  assert.equal(seconds({ ...plan, names: ["fastify-session"] }), 0);
  assert.deepEqual([spoken(48.4), spoken(59.6), spoken(522)], ["48 s", "1 min 0 s", "8 min 42 s"]);
});

test("a target is judged in the unit it is set in, and throughput against the peer that is hardest to beat", () => {
  const result = (kind: string, name: string, perSecond: readonly number[], more: Partial<Result> = {}): Result => ({
    kind,
    name,
    byRound: perSecond.map((one, round) => ({ round, perSecond: one })),
    ...more,
  });
  const read = result("R", "holdfast", [10, 20, 30], { addedOfFloor: { median: 1.3 }, addedOfNode: { median: 4 } });
  const lazy = result("T", "holdfast lazy", [10], { addedOfNode: { median: 0.1 } });
  const others = [
    result("R", "express-session", [5, 10, 15]),
    result("R", "express-session lean", [8, 25, 20]),
    result("R", "floor", [99, 99, 99]),
    result("T", "holdfast", [9]),
  ];
  const group = { framework: "express", storage: "redis", results: [read, lazy, ...others] };
  assert.deepEqual(targetsOf(read, group), [
    { name: "ofFloor", value: 1.3, passed: false },
    { name: "ofPeers", value: 1.25, passed: true },
  ]);
  assert.deepEqual(targetsOf(lazy, group), [{ name: "ofNode", value: 0.1, passed: true }]);
  assert.deepEqual(
    others.flatMap((other) => targetsOf(other, group)),
    [],
  );
});

test("the packages of the benchmark are exact, its lock names every build and no registry, and frameworks are those the tests run on", () => {
  const { dependencies } = read("bench/package.json") as { dependencies: Record<string, string> };
  assert.deepEqual(
    Object.values(dependencies).filter((version) => !/^\d+\.\d+\.\d+$/.test(version)),
    [],
  );
  const packages: Record<string, { resolved?: string; dependencies?: object; optionalDependencies?: object }> =
    read("bench/package-lock.json").packages;
  assert.deepEqual(packages[""]!.dependencies, dependencies);
  assert.deepEqual(
    Object.keys(packages).filter((path) => packages[path]!.resolved !== undefined),
    [],
  );
  const builds = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  assert.deepEqual(
    builds.filter((name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`))),
    [],
  );
  const { devDependencies } = read("package.json") as { devDependencies: Record<string, string> };
  assert.deepEqual(
    Object.keys(dependencies).filter(
      (name) => name in devDependencies && devDependencies[name] !== dependencies[name],
    ),
    [],
  );
});
