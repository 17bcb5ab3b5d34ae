import assert from "node:assert/strict";
import { join } from "node:path";
import { freePort, startServer } from "../built.js";
import type { Framework } from "../framework.js";
import { root } from "../packages.js";
import { WebClient } from "../web-client.js";

const { frameworkNames } = (await import(new URL("../../../scripts/framework.mjs", import.meta.url).href)) as {
  frameworkNames(): string[];
};

/** It installs the packages of a framework when they are not there. */
const INSTALL_MS = 300_000;

/** What `npm start -- --framework NAME` opens, for each name. */
export const start: Framework = {
  name: "npm start",
  versions: frameworkNames(),
  isExample: true,
  async start(name) {
    const port = await freePort();
    const args = [join("scripts", "start.mjs"), "--framework", name, "--port", String(port)];
    return startServer(process.execPath, args, { cwd: root, port, most: INSTALL_MS, signal: "SIGTERM" });
  },
  own: [
    {
      name: "its guard refuses a visitor: by the login page, which has a form, or by 401",
      async run({ origin }) {
        const client = new WebClient(origin.replace("127.0.0.1", "localhost"));
        const guarded = await client.get("/account");
        if (guarded.status === 401) return;
        assert.ok([302, 303, 307].includes(guarded.status), String(guarded.status));
        assert.equal(new URL(guarded.headers.get("location")!, origin).pathname, "/login");
        assert.match((await client.get("/login")).text, /<input[^>]*name="(user|name)"/);
      },
    },
  ],
};
