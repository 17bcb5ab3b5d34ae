import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import express from "express";
import { session, type ExpressOptions } from "holdfast/express";
import { testClock } from "holdfast/testing";
import { listening } from "../support/apps/serving.js";
import { Client, type Sent } from "../support/client.js";
import { watched } from "../support/storages.js";

/** Files with a hash in their name, which caches keep for a year, when a refresh is due that no handler asked for. */

interface Data {
  user: string;
}

const directory = mkdtempSync(join(tmpdir(), "holdfast-static-"));
after(() => rmSync(directory, { recursive: true, force: true }));
writeFileSync(join(directory, "app.4f2a.js"), "export default 1;\n".repeat(5000));

const express4 = createRequire(import.meta.url)("express4") as typeof express;

for (const [name, make] of [
  ["Express 5", express],
  ["Express 4", express4],
] as const) {
  for (const [kind, files] of [
    ["immutable", { immutable: true, maxAge: "1y" }],
    ["by default", {}],
  ] as const) {
    test(`${name}: express.static, ${kind}: the response is as without a session, also if a refresh is due: 200, 304, 206, HEAD`, async (t) => {
      const clock = testClock();
      const storage = watched();
      const serve = async (options?: ExpressOptions): Promise<Client> => {
        const app = make();
        if (options) {
          const sessions = session<Data>(options);
          app.use(sessions);
          app.get("/put", (req, res) => {
            sessions.get(req).set("user", "ann");
            res.send("put");
          });
        }
        app.use(make.static(directory, files));
        app.get("/other", (_req, res) => void res.send("other"));
        const served = await listening(createServer(app), [], []);
        t.after(() => served.close());
        return new Client(served.origin);
      };
      const [bare, client] = [await serve(), await serve({ storage, clock })];
      await client.get("/put");
      clock.advance("10m");
      storage.forget();
      const { etag } = (await bare.get("/app.4f2a.js")).headers;
      const requests: readonly Sent[] = [
        {},
        { method: "HEAD" },
        { headers: { "if-none-match": etag! } },
        { headers: { range: "bytes=0-99" } },
      ];
      for (const sent of requests) {
        const [expected, answer] = [await bare.send("/app.4f2a.js", sent), await client.send("/app.4f2a.js", sent)];
        for (const headers of [expected.headers, answer.headers]) delete headers.date;
        assert.deepEqual(
          [answer.status, answer.headers, answer.body],
          [expected.status, expected.headers, expected.body],
        );
      }
      assert.deepEqual(storage.counts, { get: 4 });
      const other = await client.get("/other");
      assert.deepEqual([other.setCookies.length, other.headers["cache-control"]], [1, "no-store"]);
    });
  }
}
