import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionRecord } from "#dist/codecs/record.js";
import { EncodedData } from "#dist/codecs/encoded-data.js";
import { hasExpired, idleDeadline, refreshEvery, refreshIsDue } from "#dist/session/expiry.js";

const record = (more: Partial<SessionRecord> = {}): SessionRecord => ({
  kind: "record",
  createdAt: 0,
  writes: "",
  data: EncodedData.none,
  ...more,
});

test("a session has ended at its deadline, not before: the idle one, the absolute one", () => {
  for (const [now, ended] of [
    [99, false],
    [100, true],
    [101, true],
  ] as const) {
    assert.equal(hasExpired({ expiresAt: 100 }, now), ended);
    assert.equal(hasExpired({ expiresAt: 1000, absolute: 100 }, now), ended, "although its idle deadline is later");
  }
});

test("the idle deadline is never past the absolute one", () => {
  assert.equal(idleDeadline(50, 100, undefined), 150);
  assert.equal(idleDeadline(50, 100, 200), 150);
  assert.equal(idleDeadline(50, 100, 120), 120);
});

test("a session's own shorter idle timeout keeps the proportion, a longer one the store's interval", () => {
  assert.equal(refreshEvery(180_000, 1_800_000, 60_000), 6000);
  assert.equal(refreshEvery(180_000, 1_800_000, 1_800_000), 180_000);
  assert.equal(refreshEvery(180_000, 1_800_000, 86_400_000), 180_000);
  assert.equal(refreshEvery(0, 1_800_000, 60_000), 0);
});

test("a refresh is due if the deadline would move by the interval, compared with the deadline that the client knows", () => {
  assert.equal(refreshIsDue(record(), 1000, 1099, 100, 99), false);
  assert.equal(refreshIsDue(record(), 1000, 1100, 100, 100), true);
  assert.equal(refreshIsDue(record({ promised: 900 }), 1000, 1000, 100, 0), true);
  assert.equal(refreshIsDue(record({ promised: 950 }), 1000, 1000, 100, 0), false);
});

test("shortly before the absolute deadline a last step is due, once", () => {
  const capped = record({ absolute: 1050 });
  assert.equal(refreshIsDue(capped, 1000, 1050, 100, 899), false);
  assert.equal(refreshIsDue(capped, 1000, 1050, 100, 900), true);
  assert.equal(refreshIsDue(capped, 1050, 1050, 100, 1000), false);
});
