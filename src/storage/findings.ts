import { CLOCK_SKEW_MS, type Storage, type StorageCall, type StorageFinding } from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { randomText } from "../util/random.js";

/** What the keys of a store begin with, unless it has a `namespace` of its own. */
export const DEFAULT_PREFIX = "holdfast:";

/** How far the clocks may be apart before `check` says so, in ms. */
const CLOCK_WARN_MS = 60_000;

/** How long the key of a check may stay behind if the check is interrupted, in ms. */
const PROBE_MS = 60_000;

/** All is well. */
export function ok(what: string, advice: string = ""): StorageFinding {
  return { level: "ok", what, advice };
}

/** Sessions may be lost, or it could not be found out. */
export function warning(what: string, advice: string): StorageFinding {
  return { level: "warn", what, advice };
}

/** Sessions fail or are lost. */
export function bad(what: string, advice: string): StorageFinding {
  return { level: "bad", what, advice };
}

/** The database's clock beside the caller's. */
export function clockFinding(databaseNow: number, now: number): StorageFinding {
  const apart = Math.abs(databaseNow - now);
  const side = databaseNow < now ? "behind" : "ahead of";
  const what = `the clock of the database is ${length(apart)} ${side} this server's`;
  const advice = "let both set their clocks by NTP; sessions bear a difference of five minutes between servers";
  if (apart > CLOCK_SKEW_MS) return bad(what, advice);
  return apart > CLOCK_WARN_MS
    ? warning(what, advice)
    : ok(`the clocks of database and server are less than ${length(CLOCK_WARN_MS)} apart`);
}

/** A length of time in words, as coarse as it is long. */
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

/** What a refusal of the database means, or nothing if it means that the database could not be asked. */
export type Explain = (error: unknown) => StorageFinding | undefined;

/** Does with a key of its own what sessions do with theirs. Answers what is wrong, or that nothing is. */
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
  if (await storage.get(key, call)) return bad(`an unused key is there already: ${prefix}…`, OTHERS);
  const written = await storage.create(key, entry, call);
  const stored = await storage.get(key, call);
  if (!written || !stored) return bad("what was written cannot be read", OTHERS);
  if (await storage.get(`${prefix}check-A-${id}`, call)) {
    await storage.delete(key, stored.version, call);
    return bad("keys are compared without their case: sessions of different visitors are taken for one", COMPARED);
  }
  const updated = await storage.update(key, { ...entry, value: "checked" }, stored.version, call);
  const second = updated && (updated.version ?? (await storage.get(key, call))?.version);
  const touched =
    second !== undefined && second !== false && (await storage.touch(key, entry.expiresAt, second, call));
  const third = touched && (touched.version ?? (await storage.get(key, call))?.version);
  if (third === false || third === undefined || !(await storage.delete(key, third, call))) {
    return bad("the database refuses to change the version that it just gave", OTHERS);
  }
  return undefined;
}

const OTHERS =
  "look for hidden rows (row-level security), commands that are not allowed inside scripts, and a proxy " +
  "or replica that answers reads";
const COMPARED =
  'make the table with `await storage.ensureSchema()`, or give the columns "key" and "version" a binary collation';

/** A driver's own refusal: its text says what is so, and then what to hand in. */
function refusedByUs(error: unknown): StorageFinding | undefined {
  if (!(error instanceof SessionError)) return undefined;
  const [what = "", ...advice] = error.message.split("; ");
  return bad(what, advice.join("; "));
}

/** Each finding once: several servers mostly say the same. */
export function distinct(findings: readonly StorageFinding[]): StorageFinding[] {
  return findings.filter(({ what }, i) => findings.findIndex((other) => other.what === what) === i);
}
