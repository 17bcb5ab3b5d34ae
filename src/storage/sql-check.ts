import { CLOCK_SKEW_MS, type Storage, type StorageCall, type StorageFinding } from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { bad, distinct, length, ok, tryChanges, warning } from "./findings.js";

/** Why a database refuses a statement, or a client does. */
export type SqlRefusal = "table" | "column" | "rights" | "read-only" | "closed";

/** One question about a database, and what the first row of the answer means. */
export interface SqlFact {
  readonly sql: string;
  readonly judge: (row: readonly unknown[], now: number) => readonly StorageFinding[];
}

/** What `check` needs of a storage: its statements, filled in. */
export interface SqlToCheck {
  readonly storage: Storage;
  /** With its schema, as it is called in an error. */
  readonly table: string;
  row(sql: string): Promise<readonly unknown[] | undefined>;
  readonly refusal: (error: unknown) => SqlRefusal | undefined;
  readonly hasSchema: string;
  readonly miscompared: string | undefined;
  readonly oldest: string;
  readonly facts: readonly SqlFact[];
}

/**
 * How long rows that expired may stay before `check` says so, in ms: a sweep every ten minutes leaves none so old.
 */
const LAG_MS = 60 * 60_000;

/** Looks at table, rights, index, collation, what was not swept, and at what the database says of itself. */
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

/** A driver's own error has the database's as its cause. */
function refusalBehind(error: unknown, refusal: SqlToCheck["refusal"]): SqlRefusal | undefined {
  return refusal(error instanceof SessionError ? error.cause : error);
}

const ENSURE = "make it once with `await storage.ensureSchema()`, or by a migration with schemaSql()";

function missing(table: string): { what: string; advice: string } {
  return { what: `there is no table ${table}`, advice: ENSURE };
}

function meaningOf(refusal: SqlRefusal | undefined, table: string): StorageFinding | undefined {
  if (refusal === "table") return { level: "bad", ...missing(table) };
  if (refusal === "column")
    return bad(`the table ${table} lacks a column`, "compare it with what schemaSql() prints");
  if (refusal === "rights")
    return bad(`the user may not read and change ${table}`, `GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} to it`);
  if (refusal === "read-only")
    return bad("the database is read-only", "point the client at the primary, or look for a full disk");
  return refusal && { level: "bad", ...CLOSED };
}

const CLOSED = {
  what: "the client is closed, or was never connected",
  advice:
    "write `await client.connect()` before the first request and close it after the last; a single " +
    "connection that broke is not made again, so hand in a pool",
};

/** How clients say that they are closed; they have no code in common. */
const CLOSED_TEXT =
  /pool after calling end|closed and is not queryable|connection error and is not queryable|pool is (closed|ended|already)|in closed state|connection is closed|database (connection )?is not open|closed database|client is closed/i;

/** Whether an error says that the client is closed. */
export function isClosed(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return code === "CLIENT_CLOSED" || code === "CONNECTION_ENDED" || CLOSED_TEXT.test(String(message));
}

/** The same error, or one that says what to do where that is known. */
export function advised(error: unknown, refusal: SqlRefusal | undefined, table: string): unknown {
  const known = refusal === "table" ? missing(table) : refusal === "closed" ? CLOSED : undefined;
  return known ? new SessionError("storage", `${known.what}; ${known.advice}`, { cause: error }) : error;
}

/** A table made by hand in which letters have no case would take two visitors for one. */
export function collides(collation: unknown): SessionError {
  return new SessionError(
    "unsupported",
    `the table's keys are compared by the collation ${String(collation)}, which takes different keys for ` +
      `one; ${BINARY}`,
  );
}

const BINARY = "give the columns `key` and `version` a binary collation, as schemaSql() has them";

async function collation(sql: SqlToCheck): Promise<StorageFinding[]> {
  if (sql.miscompared === undefined) return [];
  const row = await asked(sql, sql.miscompared);
  return row
    ? [bad(`keys are compared by the collation ${text(row[0])}, which takes different keys for one`, BINARY)]
    : [ok("keys are compared byte by byte")];
}

async function index(sql: SqlToCheck): Promise<StorageFinding[]> {
  if (await asked(sql, sql.hasSchema)) return [ok("the table has its index")];
  return [
    warning(
      'the index on "expires_at" is missing: each sweep reads the whole table',
      "make it with `await storage.ensureSchema()`",
    ),
  ];
}

async function lag(sql: SqlToCheck, now: number): Promise<StorageFinding[]> {
  const [oldest] = (await asked(sql, sql.oldest)) ?? [];
  const late = oldest == null ? 0 : now - CLOCK_SKEW_MS - Number(text(oldest));
  if (!(late > LAG_MS)) return [ok("what has expired is removed")];
  return [
    warning(
      `rows that expired ${length(late)} ago are still there`,
      'write `storage.startSweep({ every: "10m" })`, or call sweep from anywhere',
    ),
  ];
}

/** A row, unless this database does not know the question or this user may not ask it. */
async function asked(sql: SqlToCheck, statement: string): Promise<readonly unknown[] | undefined> {
  try {
    return await sql.row(statement);
  } catch {
    return undefined;
  }
}

const utf8 = new TextDecoder();

/** A column as text, whatever the client makes of columns. */
export function text(column: unknown): string {
  return column instanceof Uint8Array ? utf8.decode(column) : `${(column ?? "") as string | number | bigint}`;
}
