import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { withService } from "../support/services.js";

/** Decision 028 says why they are not fewer. */
const MOST_FILES = 44;

const PROGRAM = fileURLToPath(new URL("one-request.js", import.meta.url));

await withService("redis", ({ url }) => {
  test("the files that run in one request that writes, on Express with Redis, are counted", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, url]);
    const ran = Object.entries(JSON.parse(stdout) as Record<string, string[]>).sort();
    const files = ran.map(([file]) => file);
    const functions = ran.reduce((sum, [, names]) => sum + names.length, 0);
    console.log(`${files.length} files, ${functions} functions: ${files.join(" ")}`);
    assert.ok(files.length <= MOST_FILES, `one more stop for readers: ${files.length} files, ${MOST_FILES} at most`);
    for (const file of ["session/commit.js", "storage/redis-storage.js", "cookie/cookie.js"])
      assert.ok(files.includes(file), `${file} runs in every such request, and was not counted`);
    const idle = ["storage/sql.js", "storage/sqlite.js", "adapters/koa.js", "testing/test-clock.js"];
    for (const file of ["errors.js", "index.js", "session/options.js", ...idle])
      assert.ok(!files.includes(file), `${file} has nothing to do in such a request, and was counted`);
  });
});
