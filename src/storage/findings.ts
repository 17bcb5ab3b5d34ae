import { CLOCK_SKEW_MS, type Storage, type StorageCall, type StorageFinding } from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { randomText } from "../util/bytes.js";

/** Default start of the keys of a store: the default `namespace` and a colon. */
export const DEFAULT_PREFIX = "holdfast:";

/** From this clock difference on `check` warns, in ms. */
const CLOCK_WARN_MS = 60_000;

/** How long the key of a check may remain if the check is interrupted, in ms. */
const PROBE_MS = 60_000;

/** A finding without a problem. */
export function ok(what: string, advice: string = ""): StorageFinding {
  return { level: "ok", what, advice };
}

/** Sessions may be lost, or this could not be checked. */
export function warning(what: string, advice: string): StorageFinding {
  return { level: "warn", what, advice };
}

/** Sessions fail or are lost. */
export function bad(what: string, advice: string): StorageFinding {
  return { level: "bad", what, advice };
}

/** Compares the clock of the database with the caller's. */
export function clockFinding(databaseNow: number, now: number): StorageFinding {
  const apart = Math.abs(databaseNow - now);
  const side = databaseNow < now ? "behind" : "ahead of";
  const what = `the clock of the database is ${length(apart)} ${side} this server's`;
  const advice = "synchronise both clocks with NTP; a difference of up to five minutes between servers is tolerated";
  if (apart > CLOCK_SKEW_MS) return bad(what, advice);
  return apart > CLOCK_WARN_MS
    ? warning(what, advice)
    : ok(`the clocks of database and server are less than ${length(CLOCK_WARN_MS)} apart`);
}

/** Formats a duration in its largest unit. */
export function length(ms: number): string {
  const [unit, name] = (
    [
      [86_400_000, "d"],
      [3_600_000, "h"],
      [60_000, "min"],
      [1000, "s"],
    ] as const
  ).find(([size]) => ms >= size) ?? [1, "ms"];
  return `${Math.round(ms / unit)} ${name}`;
}

/** Returns what an error of the database means, or undefined if it means that the database was not reachable. */
export type Explain = (error: unknown) => StorageFinding | undefined;

/** Tries all changes that sessions make, on a separate key. Returns the problem, or that there is none. */
export async function tryChanges(
  storage: Storage,
  call: StorageCall,
  prefix: string,
  explain: Explain,
): Promise<StorageFinding> {
  try {
    return (await changes(storage, call, prefix)) ?? ok("records can be created, read, changed and removed");
  } catch (error) {
    const finding = explain(error) ?? refusedByUs(error);
    if (!finding) throw error;
    return finding;
  }
}

async function changes(storage: Storage, call: StorageCall, prefix: string): Promise<StorageFinding | undefined> {
  const id = randomText(9);
  const key = `${prefix}check-a-${id}`;
  const entry = { value: "check", expiresAt: call.now + PROBE_MS };
  if (await storage.get(key, call)) return bad(`an unused key already exists: ${prefix}…`, OTHERS);
  const written = await storage.create(key, entry, call);
  const stored = await storage.get(key, call);
  if (!written || !stored) return bad("what was written cannot be read", OTHERS);
  if (await storage.get(`${prefix}check-A-${id}`, call)) {
    await storage.delete(key, stored.version, call);
    return bad("keys are compared without case: sessions of different visitors are mixed up", COMPARED);
  }
  const updated = await storage.update(key, { ...entry, value: "checked" }, stored.version, call);
  const second = updated && (updated.version ?? (await storage.get(key, call))?.version);
  const touched =
    second !== undefined && second !== false && (await storage.touch(key, entry.expiresAt, second, call));
  const third = touched && (touched.version ?? (await storage.get(key, call))?.version);
  if (third === false || third === undefined || !(await storage.delete(key, third, call))) {
    return bad("the database refuses to change the version that it just returned", OTHERS);
  }
  return undefined;
}

const OTHERS =
  "look for hidden rows (row-level security), commands that are not allowed inside scripts, and a proxy " +
  "or replica that handles reads";
const COMPARED =
  'create the table with `await storage.ensureSchema()`, or give the columns "key" and "version" a binary collation';

/** An error of the driver itself: its message has the problem, then the advice. */
function refusedByUs(error: unknown): StorageFinding | undefined {
  if (!(error instanceof SessionError)) return undefined;
  const [what = "", ...advice] = error.message.split("; ");
  return bad(what, advice.join("; "));
}

/** Removes equal findings: several servers often report the same. */
export function distinct(findings: readonly StorageFinding[]): StorageFinding[] {
  return findings.filter(({ what }, i) => findings.findIndex((other) => other.what === what) === i);
}
