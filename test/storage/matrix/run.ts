/** Runs rows of the matrix: the storage contract and the stories on the real server, or the refusal. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { STORAGES } from "../../support/look-alikes.js";
import { SQLITE_ENVIRONMENT, SQLITE_RUNTIMES } from "../../support/sqlite-runtimes.js";
import type { SqliteClient } from "../../support/sqlite-clients.js";
import { nameOf, type MatrixRow, type Opened } from "./row.js";
import { CASE_MS, runOpened, textOf, type Outcome } from "./play.js";
import { serverOf } from "./servers.js";

/** Runs one row: all of it, or the core of the contract and the stories. */
export async function runRow(row: MatrixRow, isWhole: boolean): Promise<Outcome> {
  try {
    if ("refused" in row) return await refusal(row);
    if ("runtime" in row) return await elsewhere(row, isWhole);
    const opened = await row.open(await serverOf(row.server));
    try {
      return "bad" in row ? await found(row.bad, opened) : await runOpened(opened, isWhole, row.isSlow);
    } finally {
      await opened.close();
    }
  } catch (error) {
    return { result: "fails", failures: [textOf(error)] };
  }
}

async function refusal(row: MatrixRow & { refused: RegExp }): Promise<Outcome> {
  const { refused, make } = row as Extract<MatrixRow, { refused: RegExp }>;
  const [client, close] = await make();
  try {
    assert.throws(() => STORAGES[row.driver]!(client), { name: "TypeError", message: refused });
    return { result: "refused, with what to hand in", failures: [] };
  } finally {
    await close?.();
  }
}

/** What is wrong is told by `check`, and each call fails: nothing is answered as done. */
async function found(bad: RegExp, { storage }: Opened): Promise<Outcome> {
  const findings = await storage.check!({ now: Date.now(), signal: AbortSignal.timeout(CASE_MS) });
  const texts = findings.filter(({ level }) => level === "bad").map(({ what, advice }) => `${what}; ${advice}`);
  assert.match(texts.join("\n"), bad);
  const call = { now: Date.now(), signal: AbortSignal.timeout(CASE_MS) };
  const changing = async (): Promise<unknown> => {
    const [key, entry] = ["holdfast:matrix", { value: "x", expiresAt: call.now + 1000 }];
    await storage.create(key, entry, call);
    const updated = await storage.update(key, entry, (await storage.get(key, call))!.version, call);
    return updated && storage.delete(key, updated.version!, call);
  };
  await assert.rejects(changing);
  return { result: "found by check", failures: [] };
}

/** A process of another runtime, which has the client. */
async function elsewhere(row: MatrixRow & { runtime: string }, isWhole: boolean): Promise<Outcome> {
  const program = fileURLToPath(new URL("child.js", import.meta.url));
  const args = [program, nameOf(row), isWhole ? "whole" : "part"];
  const child = spawn(SQLITE_RUNTIMES[row.runtime as SqliteClient], args, {
    env: SQLITE_ENVIRONMENT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let outcome: Outcome = { result: "fails", failures: ["the process ended without an answer"] };
  for await (const line of createInterface(child.stdout)) outcome = JSON.parse(line) as Outcome;
  return outcome;
}
