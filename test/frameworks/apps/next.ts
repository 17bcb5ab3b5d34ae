import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, inWorkshop, runProgram, startServer, workshop } from "../built.js";
import type { Framework, RunningApp } from "../framework.js";
import { fromNpm } from "../packages.js";
import { DEV_CASES, NEXT_CASES } from "./next-cases.js";

const LIBC = process.platform === "linux" ? "-gnu" : process.platform === "win32" ? "-msvc" : "";

/** What an application of a version of Next needs. TypeScript 7 has no interface for programs, so it is 5. */
function packagesOf(version: string): Record<string, string> {
  const react = version.startsWith("15.") ? "19.1.0" : "19.3.1";
  return {
    next: version,
    [`@next/swc-${process.platform}-${process.arch}${LIBC}`]: version,
    react,
    "react-dom": react,
    typescript: "5.9.3",
    "@types/react": "19.2.7",
    "@types/node": "20.19.43",
  };
}

/** The example application, and in it the routes of the adapter suite below `/suite`. */
const COPIES = {
  "examples/next": ".",
  "test/frameworks/next/lib.js": "app/lib.js",
  "test/frameworks/next/suite": "app/suite",
  "test/frameworks/next/proxy.js": "proxy.js",
};

/** Without it, Next looks for the project's root among the directories above. */
const configOf = (directory: string): string =>
  `export default { turbopack: { root: ${JSON.stringify(directory)} }, outputFileTracingRoot: ${JSON.stringify(directory)} };\n`;

/** Next 16 and 15: what `next build` makes, and the development server. A version is `16.4.6` or `16.4.6 dev`. */
export const next: Framework = {
  name: "next",
  versions: ["16.4.6", "16.4.6 dev", "15.5.29", "15.5.29 dev"],
  async start(title) {
    const [version = "", mode] = title.split(" ");
    const { directory, remove } = workshop(
      `next-${title.replace(" ", "-")}`,
      fromNpm(packagesOf(version), { optional: false }),
      COPIES,
    );
    rmSync(join(directory, "proxy.ts"));
    if (version.startsWith("15.")) asMiddleware(directory);
    writeFileSync(join(directory, "next.config.mjs"), configOf(directory));
    const program = join(directory, "node_modules", "next", "dist", "bin", "next");
    const env = { NEXT_TELEMETRY_DISABLED: "1" };
    return inWorkshop({ directory, remove }, async () => {
      if (mode !== "dev") await runProgram(process.execPath, [program, "build"], directory, env);
      const port = await freePort();
      const args = [program, mode ?? "start", "-H", "127.0.0.1", "-p", String(port)];
      const serving = await startServer(process.execPath, args, { cwd: directory, port, env });
      const app: NextApp = { ...serving, directory, cookieName: "suite_id", origin: `${serving.origin}/suite` };
      return app;
    });
  },
  own: NEXT_CASES,
  ownIn: (version) => (version.endsWith(" dev") ? DEV_CASES : []),
};

/** An application of Next that runs. */
export interface NextApp extends RunningApp {
  readonly directory: string;
  printed(): string;
}

/** Next 15 has the same under another name, and runs it on Node if it is told to. */
function asMiddleware(directory: string): void {
  renameSync(join(directory, "proxy.js"), join(directory, "proxy-15.js"));
  writeFileSync(
    join(directory, "middleware.js"),
    `import { proxy } from "./proxy-15.js";
export const middleware = proxy;
export const config = {
  runtime: "nodejs",
  matcher: "/((?!_next/static|_next/image|favicon.ico|suite/pages/reads|suite/slow).*)",
};
`,
  );
}
