import assert from "node:assert/strict";
import type { Framework } from "../framework.js";
import { walk } from "../walk.js";
import { startSite } from "./site.js";

/** Astro 5 believes a Host header only if it is allowed. */
const FIVE = `import node from "@astrojs/node";
import { defineConfig } from "astro/config";

export default defineConfig({
  output: "server",
  adapter: node({ mode: "standalone" }),
  security: { allowedDomains: [{ hostname: "127.0.0.1" }] },
});
`;

/** Astro, with its adapter for Node. */
export const astro: Framework = {
  name: "astro",
  versions: ["7.3.5", "5.18.2"],
  start: (version) =>
    startSite({
      name: "astro",
      story: "src/story.js",
      packages: { astro: version, "@astrojs/node": version.startsWith("5.") ? "9.5.5" : "11.1.6" },
      ...(version.startsWith("5.") && { files: { "astro.config.mjs": FIVE } }),
      without: ["src/middleware.ts", "src/pages/logout.ts"],
      build: [`node_modules/astro/${version.startsWith("5.") ? "astro.js" : "bin/astro.mjs"}`, "build"],
      serve: ["dist/server/entry.mjs"],
    }),
  own: [
    { name: "a person's walk in Chromium: two tabs, login, back, logout", run: walk },
    {
      name: "a page that sets a cookie of its own sends both",
      async run({ origin }) {
        const { headers } = await fetch(`${origin}/jar`);
        const names = headers.getSetCookie().map((line) => line.split("=")[0]);
        assert.deepEqual(names.toSorted(), ["own", "session_id"]);
      },
    },
    {
      name: "a page that is rendered at build time gets no cookie",
      async run({ origin }) {
        const response = await fetch(`${origin}/about`);
        assert.equal(response.status, 200);
        assert.deepEqual(response.headers.getSetCookie(), []);
      },
    },
  ],
};
