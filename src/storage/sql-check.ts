import { CLOCK_SKEW_MS, type Storage, type StorageCall, type StorageFinding } from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { bad, distinct, length, ok, tryChanges, warning } from "./findings.js";

/** Why a database refuses a statement, or a client does. */
export type SqlRefusal = "table" | "column" | "rights" | "read-only" | "closed";

/** A question about a database, and a function that interprets the first row of the result. */
export interface SqlFact {
  readonly sql: string;
  readonly judge: (row: readonly unknown[], now: number) => readonly StorageFinding[];
}

/** What `check` needs of a storage; statements are complete. */
export interface SqlToCheck {
  readonly storage: Storage;
  /** Name for messages, with its schema. */
  readonly table: string;
  row(sql: string): Promise<readonly unknown[] | undefined>;
  readonly refusal: (error: unknown) => SqlRefusal | undefined;
  readonly hasSchema: string;
  readonly miscompared: string | undefined;
  readonly oldest: string;
  readonly facts: readonly SqlFact[];
}

/** How old expired rows may be before `check` warns, in ms: with a sweep every ten minutes none becomes so old. */
const LAG_MS = 60 * 60_000;

/** Checks table, permissions, index, collation, expired rows, and the configuration of the database. */
export async function sqlFindings(sql: SqlToCheck, call: StorageCall, prefix: string): Promise<StorageFinding[]> {
  const tried = await tryChanges(sql.storage, call, prefix, (error) =>
    meaningOf(refusalBehind(error, sql.refusal), sql.table),
  );
  const isThere = tried.what !== missing(sql.table).what;
  const ofTable = isThere ? [...(await collation(sql)), ...(await index(sql)), ...(await lag(sql, call.now))] : [];
  const facts = await Promise.all(
    sql.facts.map(({ sql: text, judge }) => asked(sql, text).then((row) => (row ? judge(row, call.now) : []))),
  );
  return distinct([tried, ...ofTable, ...facts.flat()]);
}

/** The cause of a driver error is the error of the database. */
function refusalBehind(error: unknown, refusal: SqlToCheck["refusal"]): SqlRefusal | undefined {
  return refusal(error instanceof SessionError ? error.cause : error);
}

const ENSURE = "create it once with `await storage.ensureSchema()`, or by a migration with schemaSql()";

function missing(table: string): { what: string; advice: string } {
  return { what: `the table ${table} does not exist`, advice: ENSURE };
}

function meaningOf(refusal: SqlRefusal | undefined, table: string): StorageFinding | undefined {
  if (refusal === "table") return { level: "bad", ...missing(table) };
  if (refusal === "column")
    return bad(`the table ${table} lacks a column`, "compare it with what schemaSql() prints");
  if (refusal === "rights")
    return bad(
      `the user has no permission to read and change ${table}`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} to it`,
    );
  if (refusal === "read-only")
    return bad("the database is read-only", "connect the client to the primary, or check for a full disk");
  return refusal && { level: "bad", ...CLOSED };
}

const CLOSED = {
  what: "the client is closed, or was never connected",
  advice:
    "write `await client.connect()` before the first request and close it after the last; a single " +
    "connection is not reopened after an error, so pass a pool",
};

/** Messages of closed clients; they have no common code. */
const CLOSED_TEXT =
  /pool after calling end|closed and is not queryable|connection error and is not queryable|pool is (closed|ended|already)|in closed state|connection is closed|database (connection )?is not open|closed database|client is closed/i;

/** True if an error means that the client is closed. */
export function isClosed(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return code === "CLIENT_CLOSED" || code === "CONNECTION_ENDED" || CLOSED_TEXT.test(String(message));
}

/** Returns the error, or one with advice if its reason is known. */
export function advised(error: unknown, refusal: SqlRefusal | undefined, table: string): unknown {
  const known = refusal === "table" ? missing(table) : refusal === "closed" ? CLOSED : undefined;
  return known ? new SessionError("storage", `${known.what}; ${known.advice}`, { cause: error }) : error;
}

/** In a table with a case-insensitive collation, the sessions of two visitors could be mixed up. */
export function collides(collation: unknown): SessionError {
  return new SessionError(
    "unsupported",
    `the table's keys are compared by the collation ${String(collation)}, which makes different keys ` +
      `equal; ${BINARY}`,
  );
}

const BINARY = "give the columns `key` and `version` a binary collation, as schemaSql() has them";

async function collation(sql: SqlToCheck): Promise<StorageFinding[]> {
  if (sql.miscompared === undefined) return [];
  const row = await asked(sql, sql.miscompared);
  return row
    ? [bad(`keys are compared by the collation ${text(row[0])}, which makes different keys equal`, BINARY)]
    : [ok("keys are compared byte by byte")];
}

async function index(sql: SqlToCheck): Promise<StorageFinding[]> {
  if (await asked(sql, sql.hasSchema)) return [ok("the table has its index")];
  return [
    warning(
      'the index on "expires_at" is missing: each sweep reads the whole table',
      "create it with `await storage.ensureSchema()`",
    ),
  ];
}

async function lag(sql: SqlToCheck, now: number): Promise<StorageFinding[]> {
  const [oldest] = (await asked(sql, sql.oldest)) ?? [];
  const late = oldest == null ? 0 : now - CLOCK_SKEW_MS - Number(text(oldest));
  if (!(late > LAG_MS)) return [ok("expired rows are removed")];
  return [
    warning(
      `rows that expired ${length(late)} ago still exist`,
      'write `storage.startSweep({ every: "10m" })`, or call sweep periodically',
    ),
  ];
}

/** Returns a row, or undefined if this database does not support the question or this user has no permission. */
async function asked(sql: SqlToCheck, statement: string): Promise<readonly unknown[] | undefined> {
  try {
    return await sql.row(statement);
  } catch {
    return undefined;
  }
}

const utf8 = new TextDecoder();

/** Converts a column to a string, whatever the client converts columns to. */
export function text(column: unknown): string {
  return column instanceof Uint8Array ? utf8.decode(column) : `${(column ?? "") as string | number | bigint}`;
}
