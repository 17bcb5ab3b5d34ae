import assert from "node:assert/strict";
import type { Framework } from "../framework.js";
import { walk } from "../walk.js";
import { WebClient } from "../web-client.js";
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

const isFive = (version: string): boolean => version.startsWith("5.");

/** Astro, with its adapter for Node: what its build makes, and the development server. */
export const astro: Framework = {
  name: "astro",
  versions: ["7.3.5", "7.3.5 dev", "5.18.2"],
  start(title) {
    const [version = "", mode] = title.split(" ");
    const bin = `node_modules/astro/${isFive(version) ? "astro.js" : "bin/astro.mjs"}`;
    return startSite({
      name: "astro",
      story: "src/story.js",
      packages: { astro: version, "@astrojs/node": isFive(version) ? "9.5.5" : "11.1.6" },
      ...(isFive(version) && { files: { "astro.config.mjs": FIVE } }),
      without: ["src/middleware.ts", "src/pages/logout.ts"],
      ...(mode !== "dev" && { build: [bin, "build"] }),
      serve: (port) =>
        mode === "dev" ? [bin, "dev", "--host", "127.0.0.1", "--port", String(port)] : ["dist/server/entry.mjs"],
    });
  },
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
    {
      name: "a server island of a page for everybody shows the visitor's cart, which an action has filled",
      async run({ origin }) {
        const [ann, bob] = [new WebClient(origin), new WebClient(origin)];
        const added = await ann.post("/_actions/add", { item: "rope" });
        assert.equal(added.status, 200, added.text);
        const page = await ann.get("/island");
        assert.deepEqual(page.headers.getSetCookie(), []);
        assert.doesNotMatch(page.text, /by action/);
        const [, island = ""] = /fetch\(["'](\/_server-islands\/Cart[^"']*)["']/.exec(page.text) ?? [];
        assert.notEqual(island, "", page.text);
        assert.match((await ann.get(island.replaceAll("&amp;", "&"))).text, /<li[^>]*>by action<\/li>/);
        assert.doesNotMatch((await bob.get(island)).text, /by action/);
      },
    },
  ],
};
