import type { StorageCall, StorageFinding } from "../contracts/storage.js";
import { bad, clockFinding, distinct, ok, warning } from "./findings.js";
import type { Command, Send } from "./redis-clients.js";

/** The oldest version with script flags. */
const OLDEST = 7;

/** Part of the server's memory limit; if more is used, `check` warns. */
const NEARLY_FULL = 0.9;

/** Findings about every primary. */
export async function redisFindings(primaries: readonly Send[], { now }: StorageCall): Promise<StorageFinding[]> {
  const each = await Promise.all(primaries.map((send) => findingsOf(send, now)));
  return distinct(each.flat());
}

async function findingsOf(send: Send, now: number): Promise<StorageFinding[]> {
  const info = await ifAllowed(send, ["INFO"]);
  const time = (await ifAllowed(send, ["TIME"])) as unknown[] | undefined;
  const clock = time
    ? clockFinding(Number(text(time[0])) * 1000 + Number(text(time[1])) / 1000, now)
    : notAllowed("TIME", "the server's clock is not known");
  if (info === undefined) return [notAllowed("INFO", "eviction, persistence and replication are not known"), clock];
  const facts = factsOf(text(info));
  return [
    ...versionFindings(facts),
    ...memoryFindings(facts),
    ...persistenceFindings(facts),
    ...replicationFindings(facts),
    clock,
  ];
}

type Facts = Readonly<Record<string, string | undefined>>;

/** Parses `INFO`: lines of `name:value`, under headings. */
function factsOf(info: string): Facts {
  const lines = info.split(/\r?\n/).flatMap((line) => /^(\w+):(.*)$/.exec(line) ?? []);
  const pairs = Array.from({ length: lines.length / 3 }, (_, i) => [lines[3 * i + 1]!, lines[3 * i + 2]!] as const);
  return Object.fromEntries(pairs);
}

function versionFindings({ redis_version: version }: Facts): StorageFinding[] {
  if (version === undefined || Number.parseInt(version, 10) >= OLDEST) return [];
  return [bad(`the server has version ${version}`, `use Redis ${OLDEST} or newer, or Valkey`)];
}

function memoryFindings({ maxmemory_policy: policy, maxmemory, used_memory: used }: Facts): StorageFinding[] {
  if (policy === undefined) return [];
  const isLimited = Number(maxmemory) > 0;
  if (policy === "noeviction") {
    if (!isLimited || Number(used) < NEARLY_FULL * Number(maxmemory))
      return [ok("no session is evicted: maxmemory-policy is noeviction")];
    return [
      warning(
        "the memory of the server is nearly full",
        "increase maxmemory: if it is full, nothing new can be stored",
      ),
    ];
  }
  const advice =
    "CONFIG SET maxmemory-policy noeviction, also in its configuration file, or use a separate server for sessions";
  if (isLimited)
    return [bad(`maxmemory-policy is ${policy}: sessions are removed when the server needs memory`, advice)];
  return [warning(`maxmemory-policy is ${policy}: sessions are removed once maxmemory is set`, advice)];
}

function persistenceFindings(facts: Facts): StorageFinding[] {
  const { aof_enabled: aof, aof_last_write_status: append, rdb_last_bgsave_status: snapshot } = facts;
  if (aof === undefined) return [];
  const disk = "check the server's log, and the free space and permissions of its directory";
  const findings: StorageFinding[] = [];
  if (append !== undefined && append !== "ok")
    findings.push(bad("the last write to the append-only file failed", disk));
  if (snapshot !== undefined && snapshot !== "ok")
    findings.push(bad("the last snapshot failed: the server may refuse writes", disk));
  if (aof !== "0") return [...findings, ok("acknowledged writes are in the append-only file")];
  const advice =
    "CONFIG SET appendonly yes, also in its configuration file, or all users log in again after a restart";
  return [...findings, warning("appendonly is off: a restart loses all writes since the last snapshot", advice)];
}

function replicationFindings(facts: Facts): StorageFinding[] {
  const { role, connected_slaves: replicas, min_slaves_good_slaves: waitsFor } = facts;
  if (role === "slave")
    return [bad("the client is connected to a replica", "connect it to the primary, or through Sentinel")];
  if (role === undefined || replicas === undefined) return [];
  if (waitsFor !== undefined) return [ok("the server accepts writes only while enough replicas are connected")];
  if (replicas === "0") return [ok("the server has no replicas")];
  const advice =
    "CONFIG SET min-replicas-to-write 1 and min-replicas-max-lag 1, if losing a logout is not acceptable";
  return [
    warning(
      "no replica acknowledges writes: a failover loses the last acknowledged writes, including logouts",
      advice,
    ),
  ];
}

/** Returns what an error of a command means. */
export function explainRedis(error: unknown): StorageFinding | undefined {
  const message = error instanceof Error ? error.message : "";
  const known = REFUSALS.find(([shape]) => shape.test(message));
  return known && bad(known[1](message), known[2]);
}

const commandOf = (message: string): string =>
  (
    /'([\w|]+)' command/.exec(message)?.[1] ??
    /unknown command[^a-z]*(\w+)/i.exec(message)?.[1] ??
    "a command"
  ).toUpperCase();
const RIGHTS = "ACL SETUSER … ~holdfast:* +get +set +evalsha +eval +getrange +setrange +pexpire +unlink +scan";
const WRITES = "check the server: reads work, logins and changes fail with 503";

/** By the text of the error: what it means, and what to do. */
const REFUSALS: readonly (readonly [RegExp, (message: string) => string, string])[] = [
  [
    /permissions to access (a|one of the) key|can't access at least one of the keys/,
    () => "the user has no permission for the test keys",
    'grant it the keys of the store (~holdfast:*), or call check(call, "prefix of its keys")',
  ],
  [/^NOPERM/, (message) => `the user has no permission for ${commandOf(message)}`, RIGHTS],
  [
    /user executing the script can't run|Unknown Redis command called from script|This Redis command is not allowed/i,
    () => "a command inside of a script is not allowed, or was renamed",
    RIGHTS,
  ],
  [
    /unknown command/i,
    (message) => `the server does not know ${commandOf(message)}: it may have been renamed or disabled`,
    "do not rename it; restrict commands with ACL",
  ],
  [/^(NOAUTH|WRONGPASS)/, () => "the server requires authentication", "give the client a username and a password"],
  [/^READONLY/, () => "the client is connected to a replica", "connect it to the primary, or through Sentinel"],
  [/^MISCONF/, () => "the server accepts no writes: its snapshots fail (MISCONF)", WRITES],
  [/^NOREPLICAS/, () => "the server accepts no writes: too few replicas are connected (NOREPLICAS)", WRITES],
  [/^OOM/, () => "the server accepts no writes: its memory is full (OOM)", "increase maxmemory"],
];

function notAllowed(command: string, what: string): StorageFinding {
  return warning(`this user has no permission for ${command}: ${what}`, `grant it +${command.toLowerCase()}`);
}

/** Runs a command that the user may have no permission for; returns undefined in that case. */
async function ifAllowed(send: Send, command: Command): Promise<unknown> {
  try {
    return await send(command);
  } catch (error) {
    if (explainRedis(error)) return undefined;
    throw error;
  }
}

/** Converts a reply to a string, whatever the client converts replies to. */
function text(reply: unknown): string {
  return typeof reply === "string" ? reply : String(reply);
}
