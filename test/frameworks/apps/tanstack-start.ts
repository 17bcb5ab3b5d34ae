import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, inWorkshop, runProgram, startServer, workshop } from "../built.js";
import type { Framework, RunningApp } from "../framework.js";
import { fromNpm, root, runtimeFromNpm } from "../packages.js";
import { BUILD_CASES, DEV_CASES, START_CASES } from "./tanstack-start-cases.js";

const packagesOf = (version: string): Record<string, string> => ({
  "@tanstack/react-start": version,
  "@tanstack/react-router": "1.170.46",
  "@vitejs/plugin-react": "6.3.0",
  react: "19.3.1",
  "react-dom": "19.3.1",
  "@types/react": "19.2.7",
  srvx: "1.0.8",
  vite: "8.4.0",
});

/** In the example application: the routes of the adapter suite below `/suite`, and their session. */
function addSuite(directory: string): void {
  const frameworks = join(root, "test/frameworks");
  rmSync(join(directory, "src/start.ts"));
  cpSync(join(frameworks, "tanstack-start"), directory, { recursive: true });
  cpSync(join(frameworks, "sites/story.js"), join(directory, "src/story.js"));
}

/** One page is rendered when the application is built. */
const CONFIG = `import { tanstackStart } from "@tanstack/react-start/plugin/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const pages = [{ path: "/suite/static" }];
const prerender = { enabled: true, crawlLinks: false, autoStaticPathsDiscovery: false, failOnError: true };

export default defineConfig({ plugins: [tanstackStart({ pages, prerender }), react()] });
`;

/** The root's data is read for that page, too: it shows the error instead of failing. */
function tolerate(directory: string): void {
  const file = join(directory, "src/routes/__root.tsx");
  const loader = "beforeLoad: () => whoAndCart()";
  const text = readFileSync(file, "utf8");
  if (!text.includes(loader)) throw new Error(`${file} has no ${loader}`);
  writeFileSync(file, text.replace(loader, `${loader}.catch((error) => ({ owner: error.message, cart: [] }))`));
}

/** An application of TanStack Start that runs. */
export interface StartApp extends RunningApp {
  readonly directory: string;
  printed(): string;
}

/** TanStack Start: what `vite build` makes, and the development server. A version is `1.169.5` or `1.169.5 dev`. */
export const tanstackStart: Framework = {
  name: "tanstack-start",
  versions: ["1.169.5", "1.169.5 dev"],
  async start(title) {
    const [version = "", mode] = title.split(" ");
    const { directory, remove } = workshop(
      `tanstack-start-${title.replace(" ", "-")}`,
      fromNpm(packagesOf(version), { peers: false }),
      { "examples/tanstack-start": "." },
    );
    const node = runtimeFromNpm("node24");
    const vite = join(directory, "node_modules", "vite", "bin", "vite.js");
    const srvx = join(directory, "node_modules", "srvx", "bin", "srvx.mjs");
    return inWorkshop({ directory, remove }, async () => {
      const port = await freePort();
      const env = { PORT: String(port), HOST: "127.0.0.1" };
      if (mode !== "dev") await typecheck(node, directory);
      addSuite(directory);
      if (mode !== "dev") {
        tolerate(directory);
        writeFileSync(join(directory, "vite.config.ts"), CONFIG);
        await runProgram(node, [vite, "build"], directory, env);
      }
      const args =
        mode === "dev"
          ? [vite, "dev", "--host", "127.0.0.1", "--port", String(port), "--strictPort"]
          : [srvx, "--prod", "--static", "../client", "dist/server/server.js"];
      const serving = await startServer(node, args, { cwd: directory, port, env });
      const origin = `http://localhost:${port}/suite`;
      const app: StartApp = { ...serving, directory, cookieName: "suite_id", origin };
      return app;
    });
  },
  own: START_CASES,
  ownIn: (version) => (version.endsWith(" dev") ? DEV_CASES : BUILD_CASES),
};

/** The example's own types: `context.session` has those of its data. The build writes the tree of routes before. */
async function typecheck(node: string, directory: string): Promise<void> {
  await runProgram(node, [join(directory, "node_modules", "vite", "bin", "vite.js"), "build"], directory);
  await runProgram(node, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", "."], directory);
}
