/** Deno KV in Deno, and the clients of Bun in Bun: the storage suite, in a process of the runtime. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStorage } from "holdfast/storage/memory";
import { storageSuite } from "holdfast/testing";
import { unlessMissing } from "../support/services.js";
import { SUBJECTS } from "../support/storage-subjects.js";
import { DECORATORS, type CaseResult } from "../support/storage-suites.js";

const NAMES = storageSuite(() => ({ storage: memoryStorage() })).map(({ name }) => name);

for (const { driver, client, server, run } of SUBJECTS.filter((one) => /^(?:Deno|Bun)\./.test(one.client))) {
  test(`${driver}, ${client}: the storage suite, plain and through every decorator`, () =>
    unlessMissing(server, "", async () => {
      const results: CaseResult[] = [];
      await run((result) => void results.push(result));
      assert.deepEqual(
        results.filter(({ error }) => error !== undefined),
        [],
      );
      for (const decorator of Object.keys(DECORATORS))
        assert.deepEqual(
          results.filter((one) => one.decorator === decorator).map(({ name }) => name),
          NAMES,
          decorator,
        );
    }));
}
