import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { service } from "../../support/services.js";
import { ADMIN_PACKAGES } from "../programs/adminjs.js";

/**
 * The package `@holdfast/express-session`, installed by npm, pnpm and yarn under the name `express-session` for
 * packages that import that themselves; each of their stores is then played in a separate process.
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

/** Depends on another version of express-session than the alias stands for: without overrides it has that one. */
const DEPENDENT = { name: "needs-express-session", version: "1.0.0", dependencies: { "express-session": "1.18.1" } };

/** Of a process that is started: far above what any takes, for what hangs. */
const PROCESS_TIMEOUT = 300_000;

const root = fileURLToPath(new URL("../../../", import.meta.url));

interface FromNpm {
  fromNpm(packages: Readonly<Record<string, string>>): string;
}

const { fromNpm } = (await import(new URL("../../../scripts/from-npm.mjs", import.meta.url).href)) as FromNpm;

interface Manager {
  readonly name: string;
  /** What the application's package.json says beside its dependencies, given what the alias is installed from. */
  readonly manifest: (alias: string) => object;
  /** What is too large to be installed three times. */
  readonly more?: Readonly<Record<string, string>>;
  /** Installs what is in the directory. */
  readonly install: (directory: string, alias: string) => Promise<unknown>;
}

const MANAGERS: readonly Manager[] = [
  {
    name: "npm",
    more: ADMIN_PACKAGES,
    manifest: () => ({ overrides: { "express-session": "$express-session" } }),
    install: (directory) =>
      npm(directory, ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]),
  },
  {
    name: "pnpm",
    manifest: () => ({}),
    install: (directory, alias) => {
      writeFileSync(join(directory, "pnpm-workspace.yaml"), `overrides:\n  express-session: "${alias}"\n`);
      return node(directory, [
        join(fromNpm({ pnpm: "10.34.8" }), "node_modules", "pnpm", "bin", "pnpm.cjs"),
        "install",
        "--ignore-scripts",
        "--no-frozen-lockfile",
        "--store-dir",
        join(directory, "pnpm-store"),
      ]);
    },
  },
  {
    name: "yarn",
    manifest: (alias) => ({ resolutions: { "express-session": alias } }),
    install: async (directory) =>
      node(directory, [
        join(fromNpm({ yarn: "1.22.22" }), "node_modules", "yarn", "bin", "yarn.js"),
        "install",
        "--ignore-scripts",
        "--ignore-engines",
        "--non-interactive",
        "--no-lockfile",
        "--cache-folder",
        join(directory, "yarn-cache"),
        "--registry",
        (await npm(directory, ["config", "get", "registry"])).stdout.trim(),
      ]),
  },
];

interface Line {
  readonly name: string;
  readonly error?: string | undefined;
}

/** Installs with each package manager, plays, prints what failed. */
export async function runAlias(): Promise<{ passed: number; failed: number }> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-alias-"));
  try {
    const from = [root, join(root, "packages", "express-session"), dependent(join(directory, "dependent"))];
    const [holdfast, alias, needs] = await Promise.all(from.map((one, i) => packed(one, join(directory, String(i)))));
    const dependencies = { ...PACKAGES, holdfast: holdfast!, "express-session": alias!, [DEPENDENT.name]: needs! };
    const lines: Line[] = [];
    for (const manager of MANAGERS)
      lines.push(...(await playedWith(manager, join(directory, manager.name), dependencies)));
    const wrong = lines.filter(({ error }) => error !== undefined);
    for (const { name, error } of wrong) console.log(`✖ alias: ${name}\n    ${error}`);
    console.log(`${lines.length} checks of packages that import express-session themselves, ${wrong.length} failed.`);
    return { passed: lines.length - wrong.length, failed: wrong.length };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a registry would serve of a package. */
async function packed(from: string, to: string): Promise<string> {
  mkdirSync(to);
  await npm(from, ["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", to]);
  return `file:${join(to, readdirSync(to)[0]!)}`;
}

/** Makes the package that depends on express-session. */
function dependent(directory: string): string {
  mkdirSync(directory);
  writeFileSync(join(directory, "package.json"), JSON.stringify(DEPENDENT));
  writeFileSync(join(directory, "index.js"), 'module.exports = require("express-session");\n');
  return directory;
}

async function playedWith(
  manager: Manager,
  directory: string,
  usual: Readonly<Record<string, string>>,
): Promise<Line[]> {
  mkdirSync(directory);
  const dependencies = { ...usual, ...manager.more };
  const manifest = { private: true, dependencies, ...manager.manifest(dependencies["express-session"]!) };
  writeFileSync(join(directory, "package.json"), JSON.stringify(manifest));
  try {
    await manager.install(directory, dependencies["express-session"]!);
    cpSync(join(root, "test", "adoption", "alias", "application.cjs"), join(directory, "application.cjs"));
    const { stdout } = await node(directory, [join(directory, "application.cjs")], {
      HOLDFAST_ALIAS_REDIS: (await service("redis")).url,
      HOLDFAST_ALIAS_POSTGRES: (await service("postgres")).url,
      HOLDFAST_ALIAS_MONGODB: (await service("mongodb")).url,
      HOLDFAST_ALIAS_ADMINJS: manager.more ? "installed" : "",
    });
    const lines = JSON.parse(stdout.trim().split("\n").at(-1)!) as readonly Line[];
    return lines.map(({ name, error }) => ({ name: `${manager.name}: ${name}`, error }));
  } catch (error) {
    return [{ name: `${manager.name}: installed and played`, error: String(error) }];
  }
}

function node(cwd: string, args: readonly string[], more: object = {}): Promise<{ readonly stdout: string }> {
  const env = { ...process.env, CI: "1", ...more };
  return promisify(execFile)(process.execPath, [...args], { cwd, env, timeout: PROCESS_TIMEOUT });
}

function npm(cwd: string, args: readonly string[]): Promise<{ readonly stdout: string }> {
  const command = process.env["npm_execpath"];
  if (command) return node(cwd, [command, ...args]);
  return promisify(execFile)("npm", [...args], {
    cwd,
    timeout: PROCESS_TIMEOUT,
    shell: process.platform === "win32",
  });
}
