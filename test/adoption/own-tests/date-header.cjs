"use strict";

/**
 * Tests that compare `Expires` with the header `Date` to the second may fail on express-session, too: Node.js keeps
 * that header for a second, and on a busy machine for a little longer. They are tried again.
 */
const COMPARES = /^should (set cookie expires relative to maxAge|modify cookie expires when changed)/;

module.exports.mochaHooks = {
  beforeEach() {
    if (COMPARES.test(this.currentTest.title)) this.currentTest.retries(3);
  },
};
