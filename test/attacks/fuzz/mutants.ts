import { parseCookie } from "cookie";
import type { SessionRecord } from "#dist/codecs/record.js";
import { EncodedData } from "#dist/codecs/encoded-data.js";
import { fromCustom } from "holdfast";
import {
  damaged,
  extractors,
  foreign,
  scanner,
  beside,
  stored,
  tokens,
  values,
  writer,
  type Target,
} from "./targets.js";
import { HOLDFAST, type Subject } from "./subject.js";

/** A mistake that somebody might make, and the target that must find it. */
export interface Mutant {
  readonly target: Target;
  readonly wrong: Partial<Subject>;
}

type Scanner = Subject["readCookie"];

/** A scanner made of the pairs of a header, each with a mistake in it. */
const scanning =
  (read: (pairs: readonly [name: string, value: string][], name: string) => string | undefined): Scanner =>
  (header = "", name) => {
    const pairs = header
      .split(";")
      .filter((part) => part.includes("="))
      .map((part): [string, string] => [
        part.slice(0, part.indexOf("=")).trim(),
        part.slice(part.indexOf("=") + 1).trim(),
      ]);
    return { first: read(pairs, name), count: pairs.filter(([key]) => key === name).length };
  };

const first = (pairs: readonly [string, string][], name: string): string | undefined =>
  pairs.find(([key]) => key === name)?.[1];

const intoObject = (pairs: readonly [string, string][]): Record<string, string> => {
  const all: Record<string, string> = {};
  for (const [key, value] of pairs) all[key] ??= value;
  return all;
};

const { decode, encode, readRecord, writeRecord, writeCookie } = HOLDFAST;

/** A value codec whose objects are filled by assignment: `__proto__` is then no key. */
const assigning = (text: string): unknown =>
  JSON.parse(text, (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? assigned(value) : value,
  );

function assigned(value: object): unknown {
  const made: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) made[key] = member;
  return made;
}

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  "a scanner that takes the last cookie": {
    target: scanner,
    wrong: { readCookie: scanning((pairs, name) => pairs.findLast(([key]) => key === name)?.[1]) },
  },
  "a scanner that decodes": {
    target: scanner,
    wrong: {
      readCookie: (header, name) => ({
        ...HOLDFAST.readCookie(header, name),
        first: parseCookie(header ?? "")[name],
      }),
    },
  },
  "a scanner that drops every kind of blank": { target: scanner, wrong: { readCookie: scanning(first) } },
  "a scanner that ignores case": {
    target: scanner,
    wrong: {
      readCookie: scanning((pairs, name) => pairs.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]),
    },
  },
  "a scanner that takes quotes off": {
    target: beside,
    wrong: { readCookie: scanning((pairs, name) => first(pairs, name)?.replace(/^"(.*)"$/, "$1")) },
  },
  "a scanner that collects cookies in a plain object": {
    target: beside,
    wrong: { readCookie: scanning((pairs, name) => intoObject(pairs)[name]) },
  },
  "a writer that checks nothing": {
    target: writer,
    wrong: {
      writeCookie: (name, value, lifetime, secure, { path = "/" }) =>
        `${name}=${value}; Max-Age=${String(lifetime)}; Path=${path}${secure ? "; Secure" : ""}`,
    },
  },
  "a writer that forgets the path when it removes": {
    target: writer,
    wrong: {
      writeCookie: (...all) =>
        all[2] === undefined ? writeCookie(...all).replace(/; Path=[^;]*/, "") : writeCookie(...all),
    },
  },
  "a shape that takes every last character": { target: tokens, wrong: { fits: (text) => /^[\w-]{43}$/.test(text) } },
  "a shape that takes a line break at the end": {
    target: tokens,
    wrong: { fits: (text) => /^[\w-]{42}[AEIMQUYcgkosw048]$/m.test(text) },
  },
  "an extractor that takes the first of several headers": {
    target: extractors,
    wrong: {
      extractors: {
        ...HOLDFAST.extractors,
        header: fromCustom({ extract: (request) => request.headers("x-sid")[0], source: "header", key: "X-Sid" }),
      },
    },
  },
  "values read into objects by assignment": {
    target: values,
    wrong: { decode: (text) => (text.includes('"$"') ? decode(text) : assigning(text)) },
  },
  "values whose own $ is taken for a tag": {
    target: values,
    wrong: {
      encode: (value) =>
        typeof value === "object" && value !== null && Object.hasOwn(value, "$")
          ? JSON.stringify(value)
          : encode(value),
    },
  },
  "values read without a check": { target: stored, wrong: { decode: (text) => JSON.parse(text) as unknown } },
  "records read without their checksum": {
    target: damaged,
    wrong: { readRecord: (hash, text) => readRecord(hash, text.replace(/^1:[^\n]*\n/, "")) },
  },
  "records read under any key": {
    target: damaged,
    wrong: { readRecord: (hash, text) => readRecord(/"k":"([^"]*)"/.exec(text)?.[1] ?? hash, text) },
  },
  "records whose damage is taken for a record": {
    target: foreign,
    wrong: {
      readRecord: (hash, text) =>
        text.startsWith("1:")
          ? ({ kind: "record", createdAt: 0, writes: "", data: EncodedData.none } satisfies SessionRecord)
          : readRecord(hash, text),
    },
  },
  "records that lose a key": {
    target: damaged,
    wrong: {
      writeRecord: (hash, record) =>
        writeRecord(
          hash,
          record.kind === "record" ? { ...record, data: EncodedData.of([...record.data].slice(0, 2)) } : record,
        ),
    },
  },
};
