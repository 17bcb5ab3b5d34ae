import assert from "node:assert/strict";
import { test } from "node:test";
import { plan, type Intent, type Situation } from "#dist/store/plan.js";

const FOUND = ["absent", "live", "retired", "newer"] as const;
const INTENTS: readonly Intent[] = ["keep", "renew", "reset", "ended"];
const BOTH = [false, true];

/** Every situation there is. */
function* situations(): Generator<Situation> {
  for (const found of FOUND)
    for (const intent of INTENTS)
      for (const changed of BOTH)
        for (const worthStoring of BOTH)
          for (const explicit of BOTH)
            for (const refresh of ["no", "touch", "save"] as const) for (const canCarry of BOTH) yield { found, intent, changed, worthStoring, explicit, refresh, canCarry };
}

/** The decision in words, one sentence after the other; the first that fits decides. */
const SENTENCES: readonly [sentence: string, fits: (s: Situation) => boolean, plan: string][] = [
  ["what was ended stays ended", (s) => s.intent === "ended", "nothing"],
  ["a new session in which nothing was put is not stored", (s) => s.found === "absent" && !s.worthStoring, "nothing"],
  ["a new session needs somebody who carries its token", (s) => s.found === "absent" && !s.canCarry, "discard"],
  ["a new session is created", (s) => s.found === "absent", "create"],
  ["a renewal needs somebody who carries the new token", (s) => s.found === "live" && s.intent === "renew" && !s.canCarry, "discard"],
  ["a session is renewed", (s) => s.found === "live" && s.intent === "renew", "renew"],
  ["a retired token that is reset, or renewed, with nothing put into it, leaves nothing", (s) => s.found === "retired" && s.intent !== "keep" && !s.worthStoring, "nothing"],
  ["a retired token that is reset, or renewed, needs a carrier, too", (s) => s.found === "retired" && s.intent !== "keep" && !s.canCarry, "discard"],
  ["a retired token that is reset, or renewed, begins a session of its own", (s) => s.found === "retired" && s.intent !== "keep", "create"],
  ["a reset with nothing put into it ends the session, carrier or not", (s) => s.intent === "reset" && !s.worthStoring, "end"],
  ["a record of a newer format that is renewed with nothing put into it is left alone", (s) => s.found === "newer" && s.intent === "renew" && !s.worthStoring, "nothing"],
  ["a reset with something put into it needs a carrier", (s) => s.intent !== "keep" && !s.canCarry, "discard"],
  ["a reset with something put into it replaces the session", (s) => s.intent !== "keep", "reset"],
  ["what is written into a retired session, or one of a newer format, is dropped", (s) => s.found !== "live" && (s.changed || s.explicit), "drop"],
  ["a retired session, or one of a newer format, is never touched", (s) => s.found !== "live", "nothing"],
  ["changes are saved, carrier or not", (s) => s.changed || s.explicit, "save"],
  ["a refresh that is due is a touch", (s) => s.refresh === "touch", "touch"],
  ["a refresh that is due and must be noted in the record is a save", (s) => s.refresh === "save", "save"],
  ["a session that was only read costs nothing", () => true, "nothing"],
];

test("the plan of every situation is what the sentences say", () => {
  let count = 0;
  for (const situation of situations()) {
    const [sentence, , expected] = SENTENCES.find(([, fits]) => fits(situation))!;
    assert.equal(plan(situation), expected, `${sentence}: ${JSON.stringify(situation)}`);
    count++;
  }
  assert.equal(count, 4 * 4 * 2 * 2 * 2 * 3 * 2);
});

test("every sentence decides some situation", () => {
  const deciding = new Set([...situations()].map((situation) => SENTENCES.findIndex(([, fits]) => fits(situation))));
  assert.equal(deciding.size, SENTENCES.length);
});
