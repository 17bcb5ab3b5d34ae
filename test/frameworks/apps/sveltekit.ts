import assert from "node:assert/strict";
import { cpSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { browserStory } from "../browser-story.js";
import { freePort, inWorkshop, runProgram, startServer, workshop } from "../built.js";
import type { Framework, OwnCase } from "../framework.js";
import { fromNpm, root, runtimeFromNpm } from "../packages.js";
import { WebClient } from "../web-client.js";

const isTwo = (version: string): boolean => version.startsWith("2.");

const packagesOf = (version: string): Record<string, string> => ({
  "@sveltejs/kit": version,
  svelte: "5.57.3",
  vite: isTwo(version) ? "7.3.8" : "8.4.0",
  "@sveltejs/adapter-node": isTwo(version) ? "5.5.7" : "6.0.1",
  "@sveltejs/vite-plugin-svelte": isTwo(version) ? "6.2.3" : "7.3.1",
});

/** SvelteKit 2 is configured in a file of its own, and its Node server is given ORIGIN when it starts. */
function asTwo(directory: string): void {
  writeFileSync(
    join(directory, "svelte.config.js"),
    'import adapter from "@sveltejs/adapter-node";\nexport default { kit: { adapter: adapter() } };\n',
  );
  writeFileSync(
    join(directory, "vite.config.js"),
    'import { sveltekit } from "@sveltejs/kit/vite";\nexport default { plugins: [sveltekit()] };\n',
  );
}

/** The example application, and in it the routes of the adapter suite below `/suite`. */
const COPIES = { "examples/sveltekit": ".", "test/frameworks/sveltekit/suite": "src/routes/suite" };

const CASES: readonly OwnCase[] = [
  {
    name: "requests of the server to itself have the session, and their cookies reach the client",
    async run(app) {
      const client = new WebClient(app.origin);
      const { text } = await client.get("/inner");
      assert.deepEqual(JSON.parse(text), { owner: null, data: { n: 1 } });
      assert.deepEqual(JSON.parse((await client.get("/data")).text), { owner: null, data: { n: 1 } });
    },
  },
  {
    name: "a form action that script submits redirects by JSON, with the cookie of the login",
    async run(app) {
      const client = new WebClient(app.origin);
      const headers = { accept: "application/json", "x-sveltekit-action": "true" };
      const { text } = await client.post("/login", { user: "ann" }, headers);
      assert.match(text, /"type":"redirect"/);
      assert.match((await client.get("/account")).text, /account of ann/);
    },
  },
  {
    name: "the example in Chromium: log in, redirect, back, two tabs, log out",
    run: (app) => browserStory(new URL(app.origin).origin),
  },
];

/** SvelteKit: what its Node adapter builds, and the development server. Both need a newer Node than 20. */
export const sveltekit: Framework = {
  name: "sveltekit",
  versions: ["3.2.0", "3.2.0 dev", "2.70.4"],
  async start(title) {
    const [version = "", mode] = title.split(" ");
    const { directory, remove } = workshop(
      `sveltekit-${title.replace(" ", "-")}`,
      fromNpm(packagesOf(version)),
      COPIES,
    );
    renameSync(join(directory, "src/hooks.server.ts"), join(directory, "src/hooks.example.ts"));
    cpSync(join(root, "test/frameworks/sveltekit/hooks.server.js"), join(directory, "src/hooks.server.js"));
    if (isTwo(version)) asTwo(directory);
    const node = runtimeFromNpm("node24");
    const vite = join(directory, "node_modules", "vite", "bin", "vite.js");
    return inWorkshop({ directory, remove }, async () => {
      const port = await freePort();
      const origin = `http://localhost:${port}`;
      const env = { PORT: String(port), HOST: "127.0.0.1", ORIGIN: origin };
      if (mode !== "dev") await runProgram(node, [vite, "build"], directory, env);
      const dev = [vite, "dev", "--host", "127.0.0.1", "--port", String(port), "--strictPort"];
      const serving = await startServer(node, mode === "dev" ? dev : ["build"], { cwd: directory, port, env });
      return { ...serving, cookieName: "suite_id", origin: `${origin}/suite` };
    });
  },
  own: CASES,
};
