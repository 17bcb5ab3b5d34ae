import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { isReplaced, responseClass } from "#dist/http/runtime.js";

test("a Response of another realm is the runtime's own, as in Jest, whose modules have a Function of their own", (t) => {
  const own = Object.getPrototypeOf(Response) as object;
  t.after(() => Object.setPrototypeOf(Response, own));
  Object.setPrototypeOf(Response, runInNewContext("Function.prototype") as object);
  assert.equal(isReplaced(), false);
  assert.equal(responseClass(), Response);
});

test("a Response that a server has put in place of the global one is seen, and what it inherits from is used", (t) => {
  const own = globalThis.Response;
  t.after(() => void (globalThis.Response = own));
  globalThis.Response = class extends own {};
  assert.equal(isReplaced(), true);
  assert.equal(responseClass(), own);
});
