import assert from "node:assert/strict";
import { test } from "node:test";
import { Rows, type RowResult } from "./rows.js";
import {
  NEWEST,
  start,
  startOnNode,
  startOnUnknown,
  startOnWorkerd,
  type RuntimeName,
  type Served,
} from "./start.js";

/** More servers and versions were tried by hand; docs/frameworks/runtimes.md names them. */

const HERE = `node${process.versions.node.split(".")[0]}` as RuntimeName;

const PLACES: Readonly<Record<string, () => Promise<Served>>> = {
  "this Node, @hono/node-server as newest": () => startOnNode(HERE, NEWEST),
  "this Node, its own classes": () => startOnNode(HERE, NEWEST, true),
  "this Node, @hono/node-server 1.19": () => startOnNode(HERE, "1.19.19"),
  "this Node, @hono/node-server 1.14.4": () => startOnNode(HERE, "1.14.4"),
  "this Node, @hono/node-server 1.11": () => startOnNode(HERE, "1.11.0"),
  "this Node, @hono/node-server 1.14.4 in another shape": () => startOnUnknown(HERE, "1.14.4"),
  Bun: () => start("bun"),
  Deno: () => start("deno"),
  workerd: startOnWorkerd,
};

for (const [name, begin] of Object.entries(PLACES)) {
  test(`${name}: every kind of answer is with a session what it is without, by fetch and by Hono`, async () => {
    const results: RowResult[] = [];
    const served = await begin();
    try {
      const rows = new Rows(served, (result) => void results.push(result), true);
      await rows.kinds();
      await rows.hono();
    } finally {
      await served.close();
    }
    assert.deepEqual(
      results.filter(({ error }) => error !== undefined),
      [],
    );
    assert.ok(results.length > 300, `${results.length} rows`);
  });
}
