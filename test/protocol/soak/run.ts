/** A soak on one storage, from the first process to the last verdict. */
import { setTimeout as sleep } from "node:timers/promises";
import { check, type Entry, type Verdict } from "./checker.js";
import { audit, Journal, runClients } from "./clients.js";
import type { Database, DatabaseKind } from "./databases.js";
import { killPlan } from "./plan.js";
import { Site } from "./site.js";

export interface SoakOptions {
  readonly kind: DatabaseKind;
  readonly database: Database;
  readonly seed: number;
  readonly seconds: number;
  readonly servers?: number;
  readonly people: number;
  readonly tabs: number;
  /** Breaks the storage in that way; then nothing is killed, and the soak ends with the first violation. */
  readonly sabotage?: string | undefined;
  /** Ends everything at once. */
  readonly signal?: AbortSignal | undefined;
}

/** What came of it. */
export interface Outcome {
  readonly kind: DatabaseKind;
  readonly log: readonly Entry[];
  readonly verdicts: readonly Verdict[];
  /** How many requests met a server that was down. */
  readonly refused: number;
  readonly kills: { readonly servers: number; readonly database: number };
  readonly clocks: readonly number[];
  /** The longest time in which nobody was served, in ms. */
  readonly gap: number;
}

const SERVERS = 4;
const AUDIT_PATIENCE_MS = 60_000;
const LOOK_MS = 200;

/** Runs one soak. The database and all processes are gone when it ends, however it ends. */
export async function soak(options: SoakOptions): Promise<Outcome> {
  const { kind, database, seed, servers = SERVERS, signal } = options;
  const site = new Site({ database, servers, seed, sabotage: options.sabotage });
  const journal = new Journal(site.servers);
  const stopped = new Promise<never>((_resolve, reject) =>
    signal?.addEventListener("abort", () => reject(signal.reason as Error)),
  );
  stopped.catch(() => {});
  let isOver = false;
  try {
    signal?.throwIfAborted();
    const unread = await Promise.race([stopped, all()]);
    const { log, refused, served } = journal;
    const verdicts = [...check(log), ranWell(site.failures, unread)];
    const clocks = site.servers.map(({ config }) => config.offset);
    return { kind, log, verdicts, refused, kills: site.kills, clocks, gap: longestGap(served) };
  } finally {
    isOver = true;
    await site.close();
  }

  async function all(): Promise<number> {
    await site.start();
    const clients = runClients(journal, { ...options, servers }, () => isOver);
    await Promise.race([
      clients,
      options.sabotage === undefined ? trouble(site, options) : untilCaught(journal, options),
    ]);
    isOver = true;
    await clients;
    return options.sabotage === undefined ? audit(journal, servers, AUDIT_PATIENCE_MS) : 0;
  }
}

/** Carries out every kill of the plan, however slow the machine, and lets the time pass. */
async function trouble(site: Site, { seed, seconds }: SoakOptions): Promise<void> {
  const began = performance.now();
  const until = (at: number) => sleep(Math.max(0, at - (performance.now() - began)));
  const strikes: Promise<void>[] = [];
  for (const { at, target, down } of killPlan(
    seed,
    seconds * 1000,
    site.servers.length,
    site.database.kill !== undefined,
  )) {
    await until(at);
    strikes.push(site.strike(target, down));
    strikes.at(-1)!.catch(() => {});
  }
  await until(seconds * 1000);
  await Promise.all(strikes);
}

/**
 * Until the same violation is found twice: what looks like one may only lack a request that ended the session and whose
 * response is still on its way.
 */
async function untilCaught(journal: Journal, { seconds }: SoakOptions): Promise<void> {
  const end = performance.now() + seconds * 1000;
  let before: readonly string[] = [];
  while (performance.now() < end) {
    const found = check(journal.log).flatMap(({ violations }) => violations);
    if (found.some((violation) => before.includes(violation))) return;
    before = found;
    await sleep(LOOK_MS);
  }
}

/** What the checker cannot see in the log. */
function ranWell(failures: readonly string[], unread: number): Verdict {
  const violations = unread > 0 ? [...failures, `${unread} sessions could not be read in the end`] : failures;
  return { rule: "no server ended by itself, and everything could be read in the end", checked: 1, violations };
}

function longestGap(times: readonly number[]): number {
  return times.reduce((longest, time, i) => Math.max(longest, time - (times[i - 1] ?? time)), 0);
}
