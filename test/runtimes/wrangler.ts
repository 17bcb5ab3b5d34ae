/** The example for Workers, with Cloudflare's own program. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pageAt, root } from "../docs/pages.js";
import { until } from "../support/within.js";
import { programOf, wranglerPath } from "./start.js";
import { walk } from "./workers-walk.js";

const env = { ...process.env, WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "1" };

/** Builds the example, compares its size with what the page says, serves it and visits it. */
export async function byWrangler(): Promise<void> {
  const directory = installed();
  try {
    const { stdout } = await promisify(execFile)(
      programOf("node24"),
      [wranglerPath(), "deploy", "--dry-run", "--minify", "--outdir", "dist"],
      { cwd: directory, env },
    );
    const sizes = /Total Upload: ([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(stdout)!.slice(1).map(Number);
    const told = /has (\d+) KiB, (\d+) KiB compressed/.exec(pageAt("start/workers").text)!.slice(1).map(Number);
    for (const [i, size] of sizes.entries())
      assert.ok(Math.abs(size - told[i]!) < told[i]! / 20, `${size} KiB, the page says ${told[i]}`);
    await served(directory, walk);
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The example with the built library as npm installs it. */
function installed(): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-wrangler-"));
  cpSync(join(root, "examples", "workers"), directory, { recursive: true });
  const own = join(directory, "node_modules", "holdfast");
  mkdirSync(own, { recursive: true });
  for (const name of ["dist", "package.json"]) cpSync(join(root, name), join(own, name), { recursive: true });
  return directory;
}

async function served(cwd: string, visit: (origin: string) => Promise<void>): Promise<void> {
  const args = [wranglerPath(), "dev", "--ip", "127.0.0.1", "--port", "0", "--show-interactive-dev-session=false"];
  const child = spawn(programOf("node24"), args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<void>((resolve) => void child.once("close", () => resolve()));
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const origin = (): string | undefined => /Ready on (http:\/\/[\d.:]+)/.exec(said)?.[1];
  try {
    await until("wrangler dev", () => origin() !== undefined || child.exitCode !== null, 60_000);
    await visit(origin() ?? assert.fail(said));
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}
