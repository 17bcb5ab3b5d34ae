import assert from "node:assert/strict";
import { test } from "node:test";
import { mishaps } from "../adapters/hygiene.js";
import { NOT_EXPRESSIBLE } from "../adapters/not-expressible.js";
import { CASES, play } from "../adapters/suite.js";
import { dropIn } from "../support/apps/drop-in.js";

const WRAPPER = "it compares objects, and the session of these handlers is a wrapper";
const ONE_SESSION = "as in express-session, a second middleware leaves the session of the first";

/** Cases of Express that mean something else, or nothing, with plain properties; each with the reason. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "attack 72: the first byte never leaves before the save: write, login, reset, logout, stream, redirect, 304, error page":
    "it writes the value that is there, which is no change of a property; test/express-session has it",
  "attack 72: regenerate, reset and a first write during the stream throw `answered`; destroy works":
    "assigning a property throws nothing",
  "changes by the producer of a body during the last save are saved too, or refused":
    "assigning a property throws nothing",
  "a callback passed to a session method throws immediately; so does assigning to an unknown property of a session":
    "callbacks and properties are what it is made for",
  "two session middlewares in sequence: both sessions are kept, both cookies sent; the free functions use the innermost":
    ONE_SESSION,
  "two session middlewares, one of them failing: a 503, and a cookie only if its session was stored": ONE_SESSION,
  "two session middlewares with the same cookie: an error that names both, on the first request": ONE_SESSION,
  "two middlewares, each run twice: each loads its session once, the free functions use the inner one": ONE_SESSION,
  "sessions.open under the middleware is the session of the request": WRAPPER,
  "the same middleware twice: the second run does nothing": WRAPPER,
  "assigning to the session throws and says what to write": "an object that is no session is refused at the end",
};

for (const one of CASES) {
  const reason = DIFFERENT[one.name] ?? NOT_EXPRESSIBLE[one.name]?.express;
  test(one.name, (t) => t.test("express-session", { skip: reason ?? false }, () => play(one, dropIn)));
}

test("every difference names a case", () => {
  const names = new Set(CASES.map(({ name }) => name));
  assert.deepEqual(
    Object.keys(DIFFERENT).filter((name) => !names.has(name)),
    [],
  );
});

test("nothing was rejected unhandled, thrown uncaught or warned of during the suite", async () => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(mishaps, []);
});
