/** Sessions that other libraries left in browsers and databases, and how they are adopted from there. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OldReader } from "#dist/adopt/old-store.js";
import {
  fileRecords,
  fromCookieSession,
  fromExpressSession,
  fromFastifySecureSession,
  fromFastifySession,
  fromIronSession,
  fromKoaGenericSession,
  fromKoaSession,
  memcachedRecords,
  mongoRecords,
  mysqlRecords,
  postgresRecords,
  redisRecords,
  sqliteRecords,
  type AdoptionSource,
  type AdoptedSession,
} from "holdfast/adopt";

/** What `recordings/NAME.json` contains. */
export interface Recording {
  readonly name: string;
  readonly recordedAt: string;
  readonly what: string;
  readonly options: Readonly<Record<string, any>>;
  /** Secrets of a server that has rotated them since. */
  readonly readWith?: any;
  readonly cookie: string;
  readonly header?: string | null;
  readonly sid?: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly stored?: any;
}

/** An old session that a test adopts. */
export interface Sample {
  readonly recording: Recording;
  readonly source: AdoptionSource;
  /** What a browser or client sends. */
  readonly asked: { readonly cookie: string; readonly headers: Readonly<Record<string, string>> };
  /** The records of its database, by id; undefined: the session exists only in its cookie. */
  readonly records: Map<string, unknown> | undefined;
  /** Puts the record there again, as an old server does that was still writing. */
  write(): void;
}

const directory = fileURLToPath(new URL("../../test/adoption/recordings/", import.meta.url));

/** Every recording of a session; that of cookies alone is read by `cookies`. */
export const recordings: readonly Recording[] = readdirSync(directory)
  .filter((file) => file.endsWith(".json") && !file.startsWith("express-session-cookies"))
  .map((file) => recordingOf(file));

export function recordingOf(file: string): any {
  return JSON.parse(readFileSync(`${directory}${file}`, "utf8"));
}

/** Whose session it is, as an application would say it. */
export const byPassport = (data: Record<string, any>): AdoptedSession => ({
  data,
  ...(data["passport"] && { owner: String(data["passport"].user) }),
});

/** Names, one for each kind of library. */
type Kind =
  | "fastify-session"
  | "fastify-secure"
  | "cookie-session"
  | "koa-session"
  | "koa-generic"
  | "iron"
  | "express";

function kindOf(name: string): Kind {
  const kinds: readonly Kind[] = [
    "fastify-session",
    "fastify-secure",
    "cookie-session",
    "koa-session",
    "koa-generic",
  ];
  return kinds.find((kind) => name.startsWith(kind)) ?? (name.startsWith("iron") ? "iron" : "express");
}

/** The secrets of the new server: those of the old one, a newer one before them, or a newer one alone. */
export type Secrets = "same" | "rotated" | "replaced";

const NEWER = "a newer secret, of thirty-two characters or more";

function secretsOf(old: unknown, secrets: Secrets, newer: unknown = NEWER): any {
  if (secrets === "same") return old;
  return secrets === "replaced" ? [newer] : [newer, ...[old].flat()];
}

function passwordsOf(old: unknown, secrets: Secrets): any {
  if (secrets === "same") return old;
  const known = typeof old === "string" ? { 1: old } : (old as object);
  return secrets === "replaced" ? { 99: NEWER } : { ...known, 99: NEWER };
}

/** A sample to adopt; a new database each time. */
export function sampleOf(recording: Recording, secrets: Secrets = "same"): Sample {
  const { name, options, readWith, stored, cookie, header } = recording;
  const until = Date.parse(recording.recordedAt) + 3000 * 86_400_000;
  const keys = secretsOf(readWith ?? options["keys"], secrets);
  const records = stored ? new Map<string, unknown>() : undefined;
  const id = stored && idOf(recording);
  const write = (): void => void records?.set(id, stored);
  write();
  const reader = records && readerOf(recording, records);
  const make: Readonly<Record<Kind, () => AdoptionSource>> = {
    express: () => fromExpressSession({ secret: secretsOf(options["secret"], secrets), store: reader! }),
    "fastify-session": () => fromFastifySession({ ...fastifyOptions(recording, secrets), store: reader! }),
    "fastify-secure": () =>
      fromFastifySecureSession({
        key: secretsOf(Buffer.from(options["keyHex"], "hex"), secrets, Buffer.alloc(32, 99)),
        expiry: 3650 * 86_400,
        until,
        cookieName: "session",
      }),
    "cookie-session": () => {
      const { signed = true } = options;
      const map = signed ? byPassport : (data: Record<string, any>) => ({ data });
      return fromCookieSession({
        ...(signed ? { keys } : { signed }),
        name: options["name"] ?? "session",
        until,
        map,
      });
    },
    "koa-session": () => {
      if (!reader) return fromKoaSession({ keys, until, map: byPassport });
      return fromKoaSession({ keys, store: reader, ...(header ? { header: "X-Session" } : {}) });
    },
    "koa-generic": () => fromKoaGenericSession({ keys, store: reader! }),
    iron: () =>
      fromIronSession({
        password: passwordsOf(readWith ?? options["password"], secrets),
        cookieName: options["cookieName"],
        until,
      }),
  };
  return {
    recording,
    source: make[kindOf(name)](),
    asked: { cookie, headers: header ? { "x-session": header } : {} },
    records,
    write,
  };
}

function fastifyOptions({ options, readWith }: Recording, secrets: Secrets): any {
  const { secret, cookieName, cookiePrefix, algorithm } = options as Record<string, any>;
  const given = { secret: secretsOf(readWith ?? secret, secrets), cookieName, cookiePrefix, algorithm };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** What identifies the record in its database. */
function idOf({ stored }: Recording): string {
  return (
    stored.key ??
    stored.row?.sid ??
    stored.row?.session_id ??
    stored.extendedJson?.["_id"] ??
    stored.file?.replace(/\.json$/, "")
  );
}

/** The project's own reader of the database, over a client that has only this record. */
function readerOf({ name, options }: Recording, records: Map<string, unknown>): OldReader {
  const row = (id: string): any => (records.get(id) as any)?.row;
  const remove = (id: string): void => void records.delete(id);
  if (name.startsWith("connect-pg")) {
    const query = async (text: string, [id]: unknown[]): Promise<{ rows: unknown[] }> => {
      if (text.startsWith("DELETE")) remove(id as string);
      const found = row(id as string);
      return { rows: found ? [{ data: JSON.parse(found.sess), expires: Number(found.expire_ms) }] : [] };
    };
    return postgresRecords({ query });
  }
  if (name.startsWith("express-mysql")) {
    const query = async (text: string, [id]: unknown[]): Promise<[unknown]> => {
      if (text.startsWith("DELETE")) remove(id as string);
      const found = row(id as string);
      return [found ? [{ data: found.data, expires: found.expires }] : []];
    };
    return mysqlRecords({ query });
  }
  if (/^connect-(sqlite3|session)/.test(name)) {
    const layout = name.includes("knex") ? "knex" : name.includes("sequelize") ? "sequelize" : "connect-sqlite3";
    const get = (id: string): unknown => {
      const found = row(id);
      return found && { data: found.sess ?? found.data, expires: found.expired ?? found.expires };
    };
    return sqliteRecords({ prepare: () => ({ get, run: remove }) }, { layout });
  }
  if (name.startsWith("connect-mongo")) {
    const findOne = async ({ _id }: { _id: string }): Promise<unknown> =>
      bson((records.get(_id) as any)?.extendedJson);
    return mongoRecords({ findOne, deleteOne: async ({ _id }: { _id: string }) => remove(_id) });
  }
  const text = (key: string): string | undefined => {
    const found = records.get(key) as any;
    return found?.value ?? found?.content;
  };
  if (name.startsWith("connect-memcached"))
    return memcachedRecords({
      get: (key, done) => done!(undefined, text(key) && JSON.parse(text(key)!)),
      del: (key, done) => (remove(key), done!(undefined)),
    });
  if (name.startsWith("session-file-store")) return filesOf(records);
  const prefixes: readonly [string, string][] = [
    ["connect-redis", options["prefix"] ?? "sess:"],
    ["fastify-session", "fsess:"],
  ];
  const prefix = prefixes.find(([start]) => name.startsWith(start))?.[1] ?? "";
  return redisRecords({ get: async (key) => text(key) ?? null, del: async (key) => remove(key) }, { prefix });
}

/** The reader of files, over a directory that has only this record while it is read. */
function filesOf(records: Map<string, unknown>): OldReader {
  const path = mkdtempSync(join(tmpdir(), "holdfast-recorded-"));
  process.once("exit", () => rmSync(path, { recursive: true, force: true }));
  const files = fileRecords(path);
  return new OldReader({
    get(id) {
      for (const [name, record] of records)
        writeFileSync(join(path, `${name}.json`), (record as { content: string }).content);
      if (!records.has(id)) rmSync(join(path, `${id}.json`), { force: true });
      return files.get(id);
    },
    async destroy(id) {
      await files.destroy(id);
      records.delete(id);
    },
  });
}

/** What the driver of MongoDB makes of a document. */
function bson(value: any): any {
  if (Array.isArray(value)) return value.map(bson);
  if (typeof value !== "object" || value === null) return value;
  if ("$date" in value) return new Date(Number(value.$date.$numberLong));
  if ("$numberInt" in value || "$numberLong" in value) return Number(Object.values(value)[0]);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, bson(member)]));
}

/** The cookie with one character of each value changed; an unsigned one cannot be forged. */
export function forgedOf({ name, cookie }: Recording): string[] {
  if (name === "cookie-session-unsigned") return [cookie.replace("session=ey", "session=")];
  return cookie.split("; ").map((pair, i, all) => {
    const at = pair.indexOf("=") + 40;
    const other = pair[at] === "A" ? "B" : "A";
    return all.with?.(i, pair.slice(0, at) + other + pair.slice(at + 1))?.join("; ") ?? pair.slice(0, at);
  });
}

/** Data as JSON has it: most libraries make texts of Dates. */
export function plain(data: unknown): any {
  return JSON.parse(JSON.stringify(data));
}
