/** Sessions that other libraries left in browsers and databases, and how they are adopted from there. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
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
  type OldReader,
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

/** A sample to adopt; a new database each time. */
export function sampleOf(recording: Recording): Sample {
  const { name, options, readWith, stored, cookie, header } = recording;
  const until = Date.parse(recording.recordedAt) + 3000 * 86_400_000;
  const keys = readWith ?? options["keys"];
  const records = stored ? new Map<string, unknown>() : undefined;
  const id = stored && idOf(recording);
  const write = (): void => void records?.set(id, stored);
  write();
  const reader = records && readerOf(recording, records);
  const make: Readonly<Record<Kind, () => AdoptionSource>> = {
    express: () => fromExpressSession({ secret: options["secret"], store: reader! }),
    "fastify-session": () => fromFastifySession({ ...fastifyOptions(recording), store: reader! }),
    "fastify-secure": () =>
      fromFastifySecureSession({
        key: Buffer.from(options["keyHex"], "hex"),
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
      fromIronSession({ password: readWith ?? options["password"], cookieName: options["cookieName"], until }),
  };
  return {
    recording,
    source: make[kindOf(name)](),
    asked: { cookie, headers: header ? { "x-session": header } : {} },
    records,
    write,
  };
}

function fastifyOptions({ options, readWith }: Recording): any {
  const { secret, cookieName, cookiePrefix, algorithm } = options as Record<string, any>;
  const given = { secret: readWith ?? secret, cookieName, cookiePrefix, algorithm };
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
  const prefixes: readonly [string, string][] = [
    ["connect-redis", options["prefix"] ?? "sess:"],
    ["fastify-session", "fsess:"],
  ];
  const prefix = prefixes.find(([start]) => name.startsWith(start))?.[1] ?? "";
  return redisRecords({ get: async (key) => text(key) ?? null, del: async (key) => remove(key) }, { prefix });
}

/** What the driver of MongoDB makes of a document. */
function bson(value: any): any {
  if (Array.isArray(value)) return value.map(bson);
  if (typeof value !== "object" || value === null) return value;
  if ("$date" in value) return new Date(Number(value.$date.$numberLong));
  if ("$numberInt" in value || "$numberLong" in value) return Number(Object.values(value)[0]);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, bson(member)]));
}

/** Data as JSON has it: most libraries make texts of Dates. */
export function plain(data: unknown): any {
  return JSON.parse(JSON.stringify(data));
}
