import { cpSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort, runProgram, startServer, workshop } from "../built.js";
import type { Framework, RunningApp } from "../framework.js";
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

/** An application of Nuxt that runs. */
export interface NuxtApp extends RunningApp {
  readonly directory: string;
  printed(): string;
}

/** Nuxt: what `nuxt build` makes, and the development server. Both need a newer Node than 20. */
export const nuxt: Framework = {
  name: "nuxt",
  versions: ["4.5.2", "4.5.2 dev", "4.0.3"],
  async start(title) {
    const [version = "", mode] = title.split(" ");
    const { directory, remove } = workshop(`nuxt-${title.replace(" ", "-")}`, fromNpm(packagesOf(version)), COPIES);
    renameSync(join(directory, "server/middleware/session.ts"), join(directory, "server/session.example.ts"));
    cpSync(join(root, "test/frameworks/nuxt/session.js"), join(directory, "server/middleware/session.js"));
    rmSync(join(directory, "nuxt.config.ts"));
    const node = runtimeFromNpm("node24");
    const program = join(directory, "node_modules/nuxt/bin/nuxt.mjs");
    try {
      const port = await freePort();
      const env = { PORT: String(port), HOST: "127.0.0.1", NUXT_TELEMETRY_DISABLED: "1" };
      if (mode !== "dev") await runProgram(node, [program, "build"], directory, env);
      const dev = [program, "dev", "--host", "127.0.0.1", "--port", String(port), "--no-fork"];
      const args = mode === "dev" ? dev : [".output/server/index.mjs"];
      const serving = await startServer(node, args, { cwd: directory, port, env });
      const close = async (): Promise<void> => {
        await serving.close();
        remove();
      };
      const app: NuxtApp = {
        ...serving,
        close,
        directory,
        cookieName: "suite_id",
        origin: `${serving.origin}/suite`,
      };
      return app;
    } catch (error) {
      remove();
      throw error;
    }
  },
  own: NUXT_CASES,
  ownIn: (version) => (version.endsWith(" dev") ? DEV_CASES : []),
};
