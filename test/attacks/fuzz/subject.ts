import { RecordCodec, type Marker, type SessionRecord } from "#dist/codecs/record.js";
import { ValueCodec } from "#dist/codecs/value.js";
import {
  readCookie,
  type CookieValues,
  cookieLine,
  cookieName,
  cookieSettings,
  type CookieOptions,
} from "#dist/cookie/cookie.js";
import { randomToken } from "#dist/session/token.js";
import {
  fromAuthHeader,
  fromCookie,
  fromCustom,
  fromForm,
  fromHeader,
  fromParam,
  fromQuery,
  type Extractor,
} from "holdfast";

/** What is fuzzed. A mutant is the same with one part replaced by a wrong one. */
export interface Subject {
  readCookie(header: string | undefined, name: string): CookieValues;
  writeCookie(
    name: string,
    value: string,
    lifetime: number | undefined,
    secure: boolean,
    options: CookieOptions,
  ): string;
  fits(text: string): boolean;
  encode(value: unknown): string;
  decode(text: string): unknown;
  readRecord(hash: string, text: string): ReturnType<RecordCodec["decode"]>;
  writeRecord(hash: string, record: SessionRecord | Marker): string;
  readonly extractors: Readonly<Record<string, Extractor>>;
}

export const MOST_BYTES = 65_536;
export const NAMESPACE = "shop";

const values = new ValueCodec(MOST_BYTES);
const records = new RecordCodec(NAMESPACE);

/** The library itself. */
export const HOLDFAST: Subject = {
  readCookie,
  writeCookie: (name, value, lifetime, secure, options) =>
    cookieLine(cookieName("fuzz", name), value, lifetime, secure, cookieSettings(options, [name])),
  fits: (text) => randomToken.fits(text),
  encode: (value) => values.encode(value, "k"),
  decode: (text) => values.decode(text, "k"),
  readRecord: (hash, text) => records.decode(hash, text),
  writeRecord: (hash, record) => records.encode(hash, record),
  extractors: {
    cookie: fromCookie("sid"),
    header: fromHeader("X-Sid"),
    "auth-header": fromAuthHeader(),
    query: fromQuery("sid"),
    param: fromParam("sid"),
    form: fromForm("sid"),
    other: fromCustom({ extract: (request) => request.headers("x-other")[0], source: "other", key: "other" }),
  },
};
