import assert from "node:assert/strict";
import { cpSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, inWorkshop, runProgram, startServer, workshop } from "../built.js";
import type { Framework, OwnCase, RunningApp } from "../framework.js";
import { fromNpm, root, runtimeFromNpm } from "../packages.js";
import { DEV_CASES, NUXT_CASES } from "./nuxt-cases.js";

/** The first version of Nuxt 4. The newest does not build with Vite 8.4. */
const isFirst = (version: string): boolean => version.startsWith("4.0.");

const packagesOf = (version: string): Record<string, string> => ({
  nuxt: version,
  vue: "3.5.40",
  "vue-router": isFirst(version) ? "4.6.4" : "5.2.0",
  vite: isFirst(version) ? "7.3.8" : "8.2.6",
});

/** The example application, and in it the routes of the adapter suite below `/suite`. */
const COPIES = {
  "examples/nuxt": ".",
  "test/frameworks/nuxt/routes": "server/routes/suite",
  "test/frameworks/nuxt/pages": "app/pages/suite",
  "test/frameworks/nuxt/error.vue": "app/error.vue",
  "test/frameworks/nuxt/nuxt.config.js": "nuxt.config.js",
};

const NEWEST = "4.5.2";
const PROGRAM = "node_modules/nuxt/bin/nuxt.mjs";

/** What the example must not contain. */
const MISTAKES = {
  "server/api/mistake.ts": 'export default defineEventHandler((event) => useSession(event).get("crt"));\n',
  "app/pages/mistake.vue":
    '<script setup lang="ts">\nconst { data } = useSession();\nvoid data.value?.crt;\n</script>\n',
};

/** Vue's compiler of types needs TypeScript 5. */
const TYPES: readonly OwnCase[] = [
  {
    name: "types of the session come from its declaration, those of pages from payload()",
    async run() {
      const packages = { ...packagesOf(NEWEST), "vue-tsc": "3.3.14", typescript: "5.9.3" };
      const { directory, remove } = workshop("nuxt-types", fromNpm(packages), { "examples/nuxt": "." });
      try {
        for (const [file, text] of Object.entries(MISTAKES)) writeFileSync(join(directory, file), text);
        const env = { PATH: `${join(directory, "node_modules/.bin")}:${process.env["PATH"]}` };
        const args = [join(directory, PROGRAM), "typecheck"];
        const found = await runProgram(runtimeFromNpm("node24"), args, directory, env).catch(String);
        const errors = found.split("\n").filter((line) => line.includes("error TS"));
        assert.deepEqual(errors.map((line) => line.split("(")[0]).sort(), Object.keys(MISTAKES).sort(), found);
      } finally {
        remove();
      }
    },
  },
];

/** An application of Nuxt that runs. */
export interface NuxtApp extends RunningApp {
  readonly directory: string;
  printed(): string;
}

/** Nuxt: what `nuxt build` makes, and the development server. Both need a newer Node than 20. */
export const nuxt: Framework = {
  name: "nuxt",
  versions: [NEWEST, `${NEWEST} dev`, "4.0.3"],
  async start(title) {
    const [version = "", mode] = title.split(" ");
    const { directory, remove } = workshop(`nuxt-${title.replace(" ", "-")}`, fromNpm(packagesOf(version)), COPIES);
    renameSync(join(directory, "server/middleware/session.ts"), join(directory, "server/session.example.ts"));
    cpSync(join(root, "test/frameworks/nuxt/session.js"), join(directory, "server/middleware/session.js"));
    rmSync(join(directory, "nuxt.config.ts"));
    const node = runtimeFromNpm("node24");
    const program = join(directory, PROGRAM);
    return inWorkshop({ directory, remove }, async () => {
      const port = await freePort();
      const env = { PORT: String(port), HOST: "127.0.0.1", NUXT_TELEMETRY_DISABLED: "1" };
      if (mode !== "dev") await runProgram(node, [program, "build"], directory, env);
      const dev = [program, "dev", "--host", "127.0.0.1", "--port", String(port), "--no-fork"];
      const args = mode === "dev" ? dev : [".output/server/index.mjs"];
      const serving = await startServer(node, args, { cwd: directory, port, env });
      const app: NuxtApp = { ...serving, directory, cookieName: "suite_id", origin: `${serving.origin}/suite` };
      return app;
    });
  },
  own: NUXT_CASES,
  ownIn: (version) => (version.endsWith(" dev") ? DEV_CASES : version === NEWEST ? TYPES : []),
};
