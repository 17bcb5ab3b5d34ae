import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldCalls, isEnded, isHeadFixed, VERDICTS, type CallName, type Phase } from "#dist/http/response-state.js";

const PHASES = Object.keys(VERDICTS) as Phase[];

test("the first call that leads to a byte begins, whichever it is", () => {
  const { flush, ...others } = VERDICTS.open;
  assert.deepEqual([flush, new Set(Object.values(others))], ["pass", new Set(["begin"])]);
});

test("while the head is announced, it is taken, and nothing is sent", () => {
  assert.equal(VERDICTS.announcing.writeHead, "take");
  assert.ok(!isHeadFixed("announcing"));
});

test("while the session is stored no call passes, and no second head is taken", () => {
  for (const phase of ["waiting", "ended", "finishing"] as const) {
    assert.ok(!Object.values(VERDICTS[phase]).some((verdict) => verdict === "pass" || verdict === "begin"), phase);
    assert.equal(VERDICTS[phase].writeHead, "refuse", phase);
    assert.ok(isHeadFixed(phase), phase);
  }
});

test("whatever comes after `end` is late, until Node itself refuses it", () => {
  for (const phase of PHASES.filter(isEnded))
    for (const name of ["write", "end"] as const) assert.equal(VERDICTS[phase][name], "late", `${phase} ${name}`);
  assert.deepEqual(new Set(Object.values(VERDICTS.closed)), new Set(["pass"]));
});

test("the last call alone is held up once the head may go", () => {
  assert.deepEqual(VERDICTS.sending, {
    writeHead: "pass",
    flushHeaders: "pass",
    write: "pass",
    end: "finish",
    flush: "pass",
  });
});

test("held calls count their bytes as a stream does, and report when there is no room", () => {
  const held = new HeldCalls<string>(200, undefined);
  const write = (...args: unknown[]): boolean => held.add({ name: "write", args, target: "t" }, 10);
  assert.equal(write("ä"), true);
  assert.equal(write(Buffer.alloc(7)), true);
  assert.deepEqual([held.length, held.isFull], [9, false]);
  assert.equal(write("61", "hex"), false);
  assert.deepEqual([held.length, held.isFull], [10, true]);
});

test("only a write returns false: nothing follows an end", () => {
  const held = new HeldCalls<string>(200, undefined);
  held.add({ name: "end", args: ["x".repeat(20)], target: "t" }, 10);
  assert.equal(held.isFull, false);
});

test("each callback of a held call is found, wherever it is among the arguments", () => {
  const held = new HeldCalls<string>(200, undefined);
  const [a, b, c] = [() => {}, () => {}, () => {}];
  const calls: readonly [CallName, ...unknown[]][] = [
    ["write", "x", a],
    ["write", "x", "utf8", b],
    ["flushHeaders"],
    ["end", c],
  ];
  for (const [name, ...args] of calls) held.add({ name, args, target: "t" }, 10);
  assert.deepEqual(held.callbacks, [a, b, c]);
});
