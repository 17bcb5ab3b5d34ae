import assert from "node:assert/strict";
import { test } from "node:test";
import { plan, type Situation } from "#dist/session/plan.js";
import { ABSENT } from "#dist/session/records.js";
import { emptied, opened, regenerated, destroyed, dropped, type State, type Stored } from "#dist/session/state.js";

const NOW = 1_000_000;
const HASH = "h".repeat(43);
const OLD = { kind: "newer", hash: HASH, version: 1, expiresAt: NOW + 1 } as const;
const RETIRED = { kind: "retired", hash: HASH, retiredAt: NOW, successor: "s", expiresAt: NOW + 1, skew: 0 } as const;
const LIVE = { kind: "live", hash: HASH, record: {} as never, version: 1, expiresAt: NOW + 1, seenAt: NOW } as const;
const stored = opened(LIVE, "t", NOW);
const newer = opened(OLD, "t", NOW);

/** Every state there is, by what led to it. */
const STATES: Readonly<Record<string, State>> = {
  new: opened(ABSENT, undefined, NOW),
  late: opened(RETIRED, "t", NOW),
  "late, renewed": regenerated(opened(RETIRED, "t", NOW)),
  "late, reset": emptied(opened(RETIRED, "t", NOW), NOW),
  newer,
  "newer, renewed": regenerated(newer),
  "newer, reset": emptied(newer, NOW),
  stored,
  "stored, renewed": regenerated(stored),
  "stored, reset": emptied(stored, NOW),
  "stored, reset and renewed": regenerated(emptied(stored, NOW)),
  destroyed: destroyed(stored),
  dropped: dropped(stored as Stored),
};
const BOTH = [false, true];

/** Every situation there is. */
function* situations(): Generator<[name: string, state: State, situation: Situation]> {
  for (const [name, state] of Object.entries(STATES))
    for (const changed of BOTH)
      for (const worthStoring of BOTH)
        for (const explicit of BOTH)
          for (const mustLook of BOTH)
            for (const refresh of ["no", "touch", "save"] as const)
              for (const canCarry of BOTH)
                yield [name, state, { changed, worthStoring, explicit, refresh, mustLook, canCarry }];
}

type Case = Situation & { readonly state: State["kind"]; readonly from: string };

/** The decision in words, one sentence after the other; the first that fits decides. */
const SENTENCES: readonly [sentence: string, fits: (s: Case) => boolean, plan: string][] = [
  ["what was ended stays ended", (s) => s.state === "destroyed" || s.state === "dropped", "nothing"],
  ["a new session in which nothing was put is not stored", (s) => s.state === "new" && !s.worthStoring, "nothing"],
  ["a new session needs somebody who carries its token", (s) => s.state === "new" && !s.canCarry, "discard"],
  ["a new session is created; also one that began on a token that was renewed", (s) => s.state === "new", "create"],
  ["a renewal needs somebody who carries the new token", (s) => s.state === "renewing" && !s.canCarry, "discard"],
  ["a session is renewed", (s) => s.state === "renewing", "renew"],
  [
    "a reset with nothing put into it ends the session, carrier or not",
    (s) => s.from.includes("reset") && !s.worthStoring,
    "end",
  ],
  [
    "a record of a newer format that is renewed with nothing put into it is left alone",
    (s) => s.state === "replacing" && !s.worthStoring,
    "nothing",
  ],
  ["a reset with something put into it needs a carrier", (s) => s.state === "replacing" && !s.canCarry, "discard"],
  ["a reset with something put into it replaces the session", (s) => s.state === "replacing", "replace"],
  [
    "what is written into a late session, or one of a newer format, is dropped",
    (s) => s.state !== "stored" && (s.changed || s.explicit),
    "drop",
  ],
  ["a late session, or one of a newer format, is never touched", (s) => s.state !== "stored", "nothing"],
  ["changes are saved, carrier or not", (s) => s.changed || s.explicit, "save"],
  ["a refresh that is due is a touch", (s) => s.refresh === "touch", "touch"],
  ["a refresh that is due and must be noted in the record is a save", (s) => s.refresh === "save", "save"],
  ["a session whose token is sent, and was stored a while ago, is looked at again", (s) => s.mustLook, "look"],
  ["a session that was only read costs nothing", () => true, "nothing"],
];

test("the plan of every situation is what the sentences say, for the state it was asked about", () => {
  let count = 0;
  for (const [from, state, situation] of situations()) {
    const [sentence, , expected] = SENTENCES.find(([, fits]) => fits({ ...situation, state: state.kind, from }))!;
    const decided = plan(state, situation);
    assert.equal(decided.do, expected, `${sentence}: ${from}, ${JSON.stringify(situation)}`);
    if (decided.do !== "nothing") assert.equal(decided.state, state);
    count++;
  }
  assert.equal(count, 13 * 2 * 2 * 2 * 2 * 3 * 2);
});

test("every sentence decides some situation", () => {
  const deciding = new Set(
    [...situations()].map(([from, state, situation]) =>
      SENTENCES.findIndex(([, fits]) => fits({ ...situation, state: state.kind, from })),
    ),
  );
  assert.equal(deciding.size, SENTENCES.length);
});
