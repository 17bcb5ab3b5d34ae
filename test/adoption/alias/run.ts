import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, cpSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { service } from "../../support/services.js";

/**
 * The package `@holdfast/express-session`, installed by npm under the name `express-session` for packages that import
 * that themselves; each of their stores is then played in a process of its own, as an application would.
 */
const PACKAGES: Readonly<Record<string, string>> = {
  express: "5.3.0",
  "connect-mongo": "6.0.0",
  "connect-pg-simple": "10.0.0",
  "connect-redis": "10.0.0",
  memorystore: "1.6.8",
  mongodb: "7.9.0",
  pg: "8.23.1",
  redis: "6.3.1",
  "session-file-store": "1.5.0",
};

/** Of a process that is started: far above what any takes, for what hangs. */
const PROCESS_TIMEOUT = 300_000;

const root = fileURLToPath(new URL("../../../", import.meta.url));

interface Line {
  readonly name: string;
  readonly error?: string;
}

/** Installs, plays, prints what failed. */
export async function runAlias(): Promise<{ passed: number; failed: number }> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-alias-"));
  try {
    await install(directory);
    cpSync(join(root, "test", "adoption", "alias", "application.cjs"), join(directory, "application.cjs"));
    const { stdout } = await promisify(execFile)(process.execPath, [join(directory, "application.cjs")], {
      cwd: directory,
      timeout: PROCESS_TIMEOUT,
      env: {
        ...process.env,
        HOLDFAST_ALIAS_REDIS: (await service("redis")).url,
        HOLDFAST_ALIAS_POSTGRES: (await service("postgres")).url,
        HOLDFAST_ALIAS_MONGODB: process.env["HOLDFAST_TEST_MONGODB_URL"] ?? "",
      },
    });
    const lines = JSON.parse(stdout.trim().split("\n").at(-1)!) as readonly Line[];
    const wrong = lines.filter(({ error }) => error !== undefined);
    for (const { name, error } of wrong) console.log(`✖ alias: ${name}\n    ${error}`);
    console.log(`${lines.length} checks of packages that import express-session themselves, ${wrong.length} failed.`);
    return { passed: lines.length - wrong.length, failed: wrong.length };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function install(directory: string): Promise<void> {
  const manifest = {
    private: true,
    dependencies: {
      ...PACKAGES,
      holdfast: `file:${root}`,
      "express-session": `file:${join(root, "packages", "express-session")}`,
    },
    overrides: { "express-session": "$express-session" },
  };
  writeFileSync(join(directory, "package.json"), JSON.stringify(manifest));
  const args = ["install", "--install-links", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = process.env["npm_execpath"];
  const options = { cwd: directory, timeout: PROCESS_TIMEOUT };
  if (npm) await promisify(execFile)(process.execPath, [npm, ...args], options);
  else await promisify(execFile)("npm", args, { ...options, shell: process.platform === "win32" });
}
