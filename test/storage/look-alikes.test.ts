/** What looks like a client and is none is refused where the storage is made, and told what to hand in. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LOOK_ALIKES, STORAGES } from "../support/look-alikes.js";

for (const [driver, lookAlikes] of Object.entries(LOOK_ALIKES)) {
  describe(`${driver}: an object that resembles a client is refused when the storage is created, with advice what to pass`, () => {
    for (const [name, [says, make]] of Object.entries(lookAlikes)) {
      test(name, async (t) => {
        const [client, close] = await make();
        t.after(() => close?.());
        assert.throws(
          () => STORAGES[driver]!(client),
          (error: Error) => {
            assert.equal(error.name, "TypeError");
            assert.match(error.message, says);
            assert.doesNotMatch(error.message, /hunter2/);
            return true;
          },
        );
      });
    }
  });
}
