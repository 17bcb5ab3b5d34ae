import assert from "node:assert/strict";
import {
  assertAnonymous,
  everywhere,
  requestSession,
  planted,
  saidBy,
  staged,
  valuesOf,
  wire,
  type WireAnswer,
} from "./everywhere.js";
import { nasty } from "./nasty.js";

/** Strings that are no tokens, in each of the seven places, over real HTTP on every adapter. */

const MALFORMED: Readonly<Record<number, string>> = {
  17: "nothings of every kind",
  18: "tokens of wrong length",
  19: "control characters",
  20: "look-alikes of Unicode, lone surrogates, overlong UTF-8",
  21: "other spellings of the same bytes",
  22: "percent signs, of every damage",
  23: "paths",
  24: "wildcards and hash tags",
  25: "SQL",
};

for (const [attack, what] of Object.entries(MALFORMED)) {
  everywhere(
    `attack ${attack}: ${what} as a token: anonymous, without a storage call, never shown`,
    async (world, place) => {
      const stage = await staged(world, place);
      const { token } = await planted(stage);
      stage.storage.forget();
      const texts = nasty(Number(attack), token).filter((text) => place.seen(text) !== token);
      const answers = await Promise.all(texts.map((text) => requestSession(stage.app.port, place.carry(text))));
      for (const [i, answer] of answers.entries()) assertRefused(answer, texts[i]!);
      assert.deepEqual(stage.storage.calls, []);
      assert.ok(!JSON.stringify(stage.events).includes(token));
      const genuine = await requestSession(stage.app.port, place.carry(token));
      assert.equal(saidBy(genuine).n, 1, "the token itself still opens its session");
    },
  );
}

/** Anonymous; or not even a request, by the word of the server's parser (400, 431) or router (400, 404, 414). */
function assertRefused(answer: WireAnswer, text: string): void {
  if (answer.status !== 200)
    assert.ok([400, 404, 414, 431].includes(answer.status), `${JSON.stringify(text)} is answered ${answer.text}`);
  else assertAnonymous(answer, JSON.stringify(text));
  assert.deepEqual(valuesOf(answer, "X-Evil"), []);
  if (text.length > 8 && answer.status === 200) assert.ok(!answer.text.includes(wire(text)), JSON.stringify(text));
}

everywhere(
  "attack 22: a token is decoded once if its place is encoded, never twice",
  async (world, place, source) => {
    const stage = await staged(world, place);
    const { token } = await planted(stage);
    const once = [...token].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join("");
    const answer = await requestSession(stage.app.port, place.carry(once));
    assert.ok(
      answer.status === 200 ? saidBy(answer).keys.length === 0 : [404, 414].includes(answer.status),
      `${source}: ${answer.text}`,
    );
  },
);
