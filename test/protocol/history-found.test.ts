import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, begin, create, goOn, revoke, revokeAll, wait, type Asked, type Command } from "./history-commands.js";
import { HistoryStorage } from "./history-storages.js";
import { History } from "./history.js";
import type { Verb } from "./model.js";

const MINUTE = 60_000;
const SETTING = { times: { idle: 30 * MINUTE, absolute: undefined, refreshInterval: 3 * MINUTE }, skews: [0, 0] };

const ada = (...verbs: Verb[]): Asked => ({ person: "Ada", server: 0, way: "request", token: "own", verbs });
const job = (...verbs: Verb[]): Asked => ({ ...ada(...verbs), way: "edit" });
const then = (...verbs: Verb[]): Command => goOn({ person: "Ada", tab: 0, verbs, until: "ends" });
const answers = (...verbs: Verb[]): Command => goOn({ person: "Ada", tab: 0, verbs, until: "answers" });
const SAVE: Verb = { verb: "save" };
const RENEW: Verb = { verb: "regenerate" };
const SET: Verb = { verb: "set", key: "a", value: 2 };
const LOGIN: Verb = { verb: "authenticate", owner: "ada" };
const INCREMENT: Verb = { verb: "increment" };
const SHORT: Verb = { verb: "setIdleTimeout", ms: 5000 };

/** Stories that random histories once told with another end on the real code than on the model. */
const STORIES: Record<string, readonly Command[]> = {
  "a session that has expired is none: to revoke it answers that there was none": [wait(30 * MINUTE), revoke(0, 0)],
  "nor does the end of all sessions of an owner count it": [
    ask(ada(LOGIN)),
    wait(30 * MINUTE),
    revokeAll(0, "ada", undefined),
  ],
  "an answer no longer names what an earlier save() stored, once a later save finds it gone": [
    begin(ada(SAVE), 0),
    revoke(1, 0),
    then(SET),
  ],
  "nor once a refresh finds it gone": [begin(ada(SAVE), 0), revoke(1, 0), wait(5 * MINUTE), then()],
  "destroy after a save that came too late ends what the session was renewed to": [
    begin(ada(), 0),
    ask(ada(RENEW)),
    then(SAVE, { verb: "destroy" }),
  ],
  "and so does reset": [begin(ada(), 0), ask(ada(RENEW)), then(SAVE, { verb: "reset" })],
  "a job whose own save came too late is told that nothing was saved": [begin(job(), 0), revoke(1, 0), then(SAVE)],
  "a renewal keeps the idle timeout that another request has set meanwhile": [
    begin(ada(RENEW), 0),
    ask(ada(SHORT)),
    then(),
  ],
  "and so does a refresh": [begin(ada(), 0), wait(3 * MINUTE), ask(ada(SHORT)), then()],
  "a long request that only reads does not fail where its session has ended": [
    ask(job()),
    begin(ada(), 0),
    wait(30 * MINUTE),
    then(),
  ],
  "an idle timeout set after the first byte is stored": [begin(ada(), 0), answers(), then(SHORT)],
  "a write at the end of a long body does not take back the time that another request has given": [
    begin(ada(), 0),
    answers(),
    wait(10 * MINUTE),
    ask(ada()),
    then(SET),
  ],
  "a write after the first byte, after a refresh that met another's write, undoes nothing": [
    begin(ada(), 0),
    wait(3 * MINUTE),
    ask(ada(SET)),
    answers(),
    then(INCREMENT),
  ],
};

for (const [title, commands] of Object.entries(STORIES)) {
  test(title, async () => {
    const history = new History(SETTING, new HistoryStorage(), { counts: new Map() });
    for (const command of [create("Ada", 0, { a: 1 }), ...commands]) {
      assert.ok(command.check(history), `cannot happen: ${String(command)}`);
      await command.run(history, history);
    }
  });
}
