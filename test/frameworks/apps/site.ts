import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, inWorkshop, runProgram, startServer, workshop } from "../built.js";
import type { RunningApp } from "../framework.js";
import { fromNpm, runtimeFromNpm } from "../packages.js";

/** An application of a framework with a build of its own: an example, with the routes of the suite laid over it. */
export interface Site {
  /** The folder of the example below `examples`, and that of its other files below `test/frameworks/sites`. */
  readonly name: string;
  /** Where `story.js` belongs. */
  readonly story: string;
  readonly packages: Readonly<Record<string, string>>;
  /** The arguments of Node for the build, if there is one, and for the server. */
  readonly build?: readonly string[];
  readonly serve: (port: number) => readonly string[];
  /** Files of the example that are not in the site. */
  readonly without: readonly string[];
  /** Files with another content in this version. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: (port: number) => Readonly<Record<string, string>>;
}

/** These frameworks need Node 22 or newer. */
const NODE = "node24";
const ALWAYS = { HOST: "127.0.0.1", ASTRO_TELEMETRY_DISABLED: "1" };

/** Builds a site by its framework's own build, and serves it; without a build it is served in development. */
export async function startSite({ name, packages, ...site }: Site): Promise<RunningApp> {
  const sites = "test/frameworks/sites";
  const { directory, remove } = workshop(name, fromNpm({ ...packages }), {
    [`examples/${name}`]: ".",
    [`${sites}/${name}`]: ".",
    [`${sites}/story.js`]: site.story,
  });
  for (const file of site.without) rmSync(join(directory, file));
  for (const [file, content] of Object.entries(site.files ?? {})) writeFileSync(join(directory, file), content);
  return inWorkshop({ directory, remove }, async () => {
    const port = await freePort();
    const mode = site.build && { NODE_ENV: "production" };
    const env = { ...ALWAYS, ...mode, PORT: String(port), ...site.env?.(port) };
    const node = runtimeFromNpm(NODE);
    if (site.build) await runProgram(node, site.build, directory, env);
    return startServer(node, site.serve(port), { cwd: directory, port, env });
  });
}
