import assert from "node:assert/strict";
import { test } from "node:test";
import type { Observation } from "./cell.js";
import { COLUMNS, type Column } from "./columns.js";
import { differences } from "./compare.js";
import type { Place } from "./lists.js";
import { MEANT } from "./meant.js";
import type { Row } from "./row.js";
import { judge, staleAmong } from "./run.js";
import type { Answer } from "./transcript.js";

/**
 * What the comparison of the matrix notices: one observation is changed in one thing, and compared with the other.
 */

const row: Row = { name: "a row", on: ["connect"], app: () => () => {} };
const column = (name: string): Column => COLUMNS.find((one) => one.name === name)!;

const ANSWER: Answer = {
  line: "HTTP/1.1 200 OK",
  status: 200,
  headers: [
    ["Content-Type", "text/plain"],
    ["X-A", "1"],
    ["Date", "Sat, 01 Jan 2000 00:00:00 GMT"],
    ["Transfer-Encoding", "chunked"],
  ],
  framing: "chunked",
  body: "hello",
  trailers: [["X-Sum", "1"]],
  isComplete: true,
};
const NEXT: Answer = { ...ANSWER, headers: [], framing: "length", body: "next", trailers: [] };
const FAILURE: Answer = {
  ...NEXT,
  line: "HTTP/1.1 503 Service Unavailable",
  status: 503,
  body: "Service Unavailable",
};
const COOKIE = ["Set-Cookie", "session_id=token; Path=/"] as const;

const SEEN: Observation = {
  transcript: { answers: [ANSWER, NEXT], rest: "", end: "kept" },
  notes: { "event finish": 1, "callback of end: no error": 1 },
  crashes: [],
  saves: 1,
  writes: 1,
  events: [],
};
const REFUSED: Observation = { ...SEEN, transcript: { ...SEEN.transcript, answers: [FAILURE, NEXT] } };

/** The same, with another first answer. */
const answering = (change: Partial<Answer>, of: Observation = SEEN): Observation => {
  const [first, ...others] = of.transcript.answers;
  return { ...of, transcript: { ...of.transcript, answers: [{ ...first!, ...change }, ...others] } };
};
const ending = (change: Partial<Observation["transcript"]>, of: Observation = SEEN): Observation => ({
  ...of,
  transcript: { ...of.transcript, ...change },
});

const found = (ours: Observation, name: string = "written"): string[] =>
  differences(row, "connect", column(name), { bare: SEEN, refused: REFUSED }, ours);

/** Every change, and what is said of it. */
const CHANGES: Readonly<Record<string, readonly [Observation, RegExp]>> = {
  "a byte of the body": [answering({ body: "hellp" }), /^body: /],
  "a byte less": [answering({ body: "hell" }), /^body: /],
  "the order of headers": [
    answering({ headers: [ANSWER.headers[1]!, ANSWER.headers[0]!, ...ANSWER.headers.slice(2)] }),
    /^headers: /,
  ],
  "the case of a header": [
    answering({ headers: [["content-type", "text/plain"], ...ANSWER.headers.slice(1)] }),
    /^headers: /,
  ],
  "the value of a header": [
    answering({ headers: [["Content-Type", "text/html"], ...ANSWER.headers.slice(1)] }),
    /^headers: /,
  ],
  "a header less": [answering({ headers: ANSWER.headers.slice(1) }), /^headers: /],
  "a header twice": [answering({ headers: [...ANSWER.headers, ["X-A", "1"]] }), /^headers: /],
  "a cookie that is not the session's": [
    answering({ headers: [...ANSWER.headers, ["Set-Cookie", "other=1"]] }),
    /^headers: /,
  ],
  "a missing trailer": [answering({ trailers: [] }), /^trailers: /],
  "another status": [answering({ line: "HTTP/1.1 201 Created", status: 201 }), /^status line: /],
  "another reason": [answering({ line: "HTTP/1.1 200 Fine" }), /^status line: /],
  "another framing": [answering({ framing: "length" }), /^framing: /],
  "an answer broken off": [
    ending({ answers: [{ ...ANSWER, isComplete: false }], end: "closed" }),
    /^connection: .*broken off/,
  ],
  "no next answer": [ending({ answers: [ANSWER] }), /^number of answers: /],
  "an answer more": [
    ending({ answers: [{ ...NEXT, line: "HTTP/1.1 103 Early Hints", status: 103 }, ...SEEN.transcript.answers] }),
    /^number of answers: /,
  ],
  "bytes beyond the answers": [ending({ rest: "x" }), /^bytes beyond the answers: /],
  "a closed connection": [ending({ end: "closed" }), /^connection: /],
  "a hang": [ending({ end: "hung" }), /^connection: /],
  "a callback that is not called": [
    { ...SEEN, notes: { "event finish": 1 } },
    /^callback of end: no error: bare 1 ×, here 0 ×/,
  ],
  "a callback that is called twice": [
    { ...SEEN, notes: { ...SEEN.notes, "callback of end: no error": 2 } },
    /^callback of end: no error: bare 1 ×, here 2 ×/,
  ],
  "a callback that is told of an error": [
    { ...SEEN, notes: { "event finish": 1, "callback of end: an error": 1 } },
    /^callback of end: an error: bare 0 ×, here 1 ×/,
  ],
  "an event that does not come": [{ ...SEEN, notes: { "callback of end: no error": 1 } }, /^event finish: /],
  "an unhandled rejection": [
    { ...SEEN, crashes: ["unhandled rejection: Error: sorry"] },
    /^the process ends: unhandled rejection/,
  ],
  "what is written and neither saved nor said to be unsaved": [{ ...SEEN, saves: 0 }, /^written, neither saved/],
};

for (const [what, [ours, says]] of Object.entries(CHANGES)) {
  test(`noticed: ${what}`, () => {
    const all = found(ours);
    assert.ok(
      all.some((one) => says.test(one)),
      `said of it: ${all.join(" · ") || "nothing"}`,
    );
  });
}

test("equal observations are silent, and so is what is the session's own", () => {
  assert.deepEqual(found(SEEN), []);
  const headers = [
    ...ANSWER.headers.map(
      ([name, value]) => [name, name === "Date" ? "Sun, 02 Jan 2000 00:00:00 GMT" : value] as const,
    ),
    COOKIE,
    ["Cache-Control", "no-store"] as const,
    ["Vary", "Cookie"] as const,
  ];
  assert.deepEqual(found(answering({ headers })), []);
  assert.deepEqual(found({ ...SEEN, saves: 0, events: ["unsaved"] }), []);
});

test("headers about caching count where the session was not used", () => {
  const ours = answering(
    { headers: [...ANSWER.headers, ["Cache-Control", "no-store"]] },
    { ...SEEN, writes: 0, saves: 0 },
  );
  assert.match(found(ours, "visitor").join(), /^headers: /);
});

test("a first visit has a cookie if and only if it was stored", () => {
  const withCookie = answering({ headers: [...ANSWER.headers, COOKIE] });
  assert.deepEqual(found(withCookie, "first visit"), []);
  assert.deepEqual(found(SEEN, "first visit"), ["stored, and no cookie"]);
  assert.deepEqual(found({ ...withCookie, saves: 0, events: ["unsaved"] }, "first visit"), [
    "a cookie, and nothing stored",
  ]);
});

test("a failed save: only the error path's response", () => {
  const failed = { ...REFUSED, saves: 0 };
  assert.deepEqual(found(failed, "save fails"), []);
  assert.match(
    found({ ...SEEN, saves: 0 }, "save fails").join(),
    /status line: error path "HTTP\/1\.1 503 .*here "HTTP\/1\.1 200 OK"/,
  );
  assert.match(found(answering({ body: "sorry" }, failed), "save fails").join(), /^body: error path/);
  assert.match(
    found(answering({ headers: [COOKIE] }, failed), "save fails").join(),
    /a cookie, though the save failed/,
  );
  assert.match(
    found({ ...failed, notes: { "event finish": 1 } }, "save fails").join(),
    /^callback of end: bare 1 ×, here 0 ×/,
  );
  assert.match(found(ending({ answers: [], end: "hung" }, failed), "save fails").join(), /^connection: /);
});

test("if the bare program ends the process, only more than that is a difference", () => {
  const crashing = { ...SEEN, crashes: ["uncaught exception: Error: sorry"] };
  const compared = (ours: Observation): string[] =>
    differences(row, "connect", column("written"), { bare: crashing, refused: REFUSED }, ours);
  assert.deepEqual([compared(crashing), compared(SEEN)], [[], []]);
  assert.match(compared({ ...crashing, crashes: [...crashing.crashes, "another"] }).join(), /^crashes: /);
  assert.deepEqual(compared(ending({ end: "hung" })), ["hangs"]);
});

test("what is meant covers its place alone, and an entry that covers nothing is stale", () => {
  const place: Place = { row: "throw a Response", framework: "fetch", column: "first visit", storage: "memory" };
  const own = judge(place, ["stored, and no cookie"]);
  assert.equal(own.outcome, "meant");
  assert.equal(judge({ ...place, column: "written" }, ["stored, and no cookie"]).outcome, "failed");
  assert.equal(judge({ ...place, framework: "hono" }, ["stored, and no cookie"]).outcome, "failed");
  assert.equal(
    judge(place, ["stored, and no cookie", 'body: bare "a", here "b", at the end'].concat("a hang")).outcome,
    "failed",
  );
  assert.equal(judge(place, []).outcome, "same");
  const stale = staleAmong([own]);
  assert.equal(stale.length, MEANT.length - 1);
  assert.ok(!stale.includes(own.meant[0]!));
  assert.deepEqual(staleAmong([own], own.meant), []);
});
