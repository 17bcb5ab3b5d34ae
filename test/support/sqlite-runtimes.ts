import { join } from "node:path";
import type { SqliteClient } from "./sqlite-clients.js";

interface Npm {
  fromNpm(packages: Record<string, string>): string;
  runtimeFromNpm(name: "node" | "bun"): string;
}

const { fromNpm, runtimeFromNpm } = (await import(
  new URL("../../scripts/from-npm.mjs", import.meta.url).href
)) as Npm;

/** Its version: what older Nodes can load may be another one, so it is installed apart. */
export const BETTER_SQLITE3 = "13.2.0";

/** What a process needs that opens SQLite files. */
export const SQLITE_ENVIRONMENT: NodeJS.ProcessEnv = {
  ...process.env,
  NODE_NO_WARNINGS: "1",
  HOLDFAST_TEST_PACKAGES: join(fromNpm({ "better-sqlite3": BETTER_SQLITE3 }), "_.js"),
};

/** This Node, or a newer one where it is too old for node:sqlite and for what better-sqlite3 was built for. */
const NODE = Number(process.versions.node.split(".")[0]) >= 24 ? process.execPath : runtimeFromNpm("node");

/** Each client of SQLite, and a runtime that has it. */
export const SQLITE_RUNTIMES: Readonly<Record<SqliteClient, string>> = {
  "better-sqlite3": NODE,
  "node:sqlite": NODE,
  "bun:sqlite": runtimeFromNpm("bun"),
  libsql: process.execPath,
};
