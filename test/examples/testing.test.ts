import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { run } from "../docs/pages.js";
import { root } from "./running.js";

const { ensureChromium } = (await import(new URL("../../scripts/ensure-chromium.mjs", import.meta.url).href)) as {
  ensureChromium(): string;
};

const programs = readdirSync(join(root, "examples", "testing")).map((file) => file.replace(/\.ts$/, ""));

/** Those of `node --test`, which marks processes that it has started itself. */
const { NODE_TEST_CONTEXT: _context, ...environment } = process.env;

suite("each way to test an application with a seeded session runs, and its tests pass", { concurrency: 2 }, () => {
  for (const program of programs) {
    test(program, async () => {
      const { output, code } = await run(
        process.execPath,
        ["--test", "--test-reporter=tap", `examples/dist/testing/${program}.js`],
        { ...environment, CHROMIUM: ensureChromium() },
      );
      assert.equal(code, 0, output);
      assert.match(output, /^# pass [23]$/m);
    });
  }
});

test("there is one for each way", () => {
  assert.deepEqual(programs, ["express-supertest", "fastify-inject", "hono-request", "playwright"]);
});
