import assert from "node:assert/strict";
import { test } from "node:test";
import {
  after,
  carrierAt,
  hasFailed,
  isOpen,
  isOver,
  phaseAt,
  type Stage,
  type StageEvent,
} from "#dist/session/request-stage.js";

const STAGES: readonly Stage[] = ["open", "abandoned", "saving", "answered", "failed", "over", "failed-over"];
const EVENTS: readonly StageEvent[] = ["abandon", "save", "respond", "fail", "end"];

/** For each stage: the stage after abandon, save, answer, fail, end; then phase, and who carries a token. */
const TABLE: Readonly<Record<Stage, readonly string[]>> = {
  open: ["abandoned", "saving", "answered", "failed", "over", "open", "response"],
  abandoned: ["abandoned", "saving", "answered", "abandoned", "over", "open", "response"],
  saving: ["saving", "saving", "answered", "failed", "over", "answered", "response"],
  answered: ["answered", "answered", "answered", "failed", "over", "answered", "none"],
  failed: ["failed", "failed", "failed", "failed", "failed-over", "answered", "none"],
  over: ["over", "over", "over", "failed-over", "over", "over", "none"],
  "failed-over": ["failed-over", "failed-over", "failed-over", "failed-over", "failed-over", "over", "none"],
};

for (const stage of STAGES) {
  test(`stage ${stage}: the stage after each event, what a handler can do, and who carries a token`, () => {
    const row = [...EVENTS.map((event) => after(stage, event)), phaseAt(stage), carrierAt(stage, false)];
    assert.deepEqual(row, TABLE[stage]);
  });
}

test("nothing carries the token of a visitor who has left; of a visitor who waits the response does", () => {
  assert.deepEqual(
    STAGES.filter((stage) => carrierAt(stage, true) === "response"),
    ["open", "saving"],
  );
});

test("no event leads back: a response that has begun is never open again, one that failed never succeeds", () => {
  for (const stage of STAGES) {
    for (const next of EVENTS.map((event) => after(stage, event))) {
      assert.ok(isOpen(stage) || !isOpen(next), `${stage} → ${next}`);
      assert.ok(!hasFailed(stage) || hasFailed(next), `${stage} → ${next}`);
      assert.ok(!isOver(stage) || isOver(next), `${stage} → ${next}`);
    }
  }
});
