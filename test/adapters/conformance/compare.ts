import type { Received } from "./client.js";
import type { Op, Wanted } from "./format.js";
import { tokensIn, type Symbols } from "./symbols.js";

/** One field of an answer that is not what is wanted. */
export interface Difference {
  /** Counted from 1; none where the scenario was not played at all. */
  readonly step?: number;
  readonly field: string;
  readonly wanted: string;
  readonly got: string;
}

/** An answer, and what was left in the storage. */
export interface Outcome {
  readonly received: Received;
  readonly records: number;
}

type Cookie = Readonly<Record<string, unknown>>;

/** Compares an answer with what is wanted. It is read as the format says: headers, Set-Cookie lines, results. */
export function compare(wanted: Wanted, outcome: Outcome, ops: readonly Op[], symbols: Symbols): Difference[] {
  const { received, records } = outcome;
  const cookies = received.setCookies.map((line) => cookieOf(line, ops));
  const results = resultsOf(received);
  for (const text of [...received.headers.values(), ...received.setCookies, JSON.stringify(results) ?? ""])
    symbols.see(text);
  const differ = (field: string, want: unknown, got: unknown): Difference => ({
    field,
    wanted: shown(symbols, want),
    got: shown(symbols, got),
  });
  const free = (value: unknown): boolean => value === undefined || value === null || value === "any" || value === "";
  const found: Difference[] = [];
  const check = (field: string, want: unknown, got: unknown): void => {
    if (!free(want) && !symbols.matches(want, got)) found.push(differ(field, want, got));
  };
  check("status", wanted.status, received.status);
  if (wanted.headers !== "any")
    found.push(...headerDifferences(wanted.headers ?? {}, received.headers, symbols, differ));
  if (Array.isArray(wanted.setCookie) && !sameCookies(wanted.setCookie.map(comparable), cookies, symbols))
    found.push(differ("setCookie", wanted.setCookie, cookies));
  check("results", wanted.results, results ?? `no results, but the text ${JSON.stringify(received.body)}`);
  check("body", wanted.body, received.body);
  check("records", wanted.records, records);
  return found;
}

function headerDifferences(
  wanted: Readonly<Record<string, unknown>>,
  headers: ReadonlyMap<string, string>,
  symbols: Symbols,
  differ: (field: string, want: unknown, got: unknown) => Difference,
): Difference[] {
  const lower = Object.entries(wanted).map(([name, value]) => [name.toLowerCase(), value] as const);
  const named = new Set(lower.map(([name]) => name));
  const wrong = lower.filter(([name, value]) => !symbols.matches(value, headers.get(name)));
  const leaking = [...headers].filter(([name, value]) => !named.has(name) && tokensIn(value).length > 0);
  return [
    ...wrong.map(([name, value]) => differ(`headers.${name}`, value, headers.get(name))),
    ...leaking.map(([name, value]) => differ(`headers.${name}`, "no token in it", value)),
  ];
}

/** Whether the lines are those that are wanted, in any order. */
function sameCookies(wanted: readonly Cookie[], got: readonly Cookie[], symbols: Symbols): boolean {
  if (wanted.length !== got.length) return false;
  const [first, ...rest] = wanted;
  if (first === undefined) return true;
  return got.some((line, at) =>
    symbols.attempt(() => symbols.matches(first, line) && sameCookies(rest, got.toSpliced(at, 1), symbols)),
  );
}

/** A wanted line: an `expires` beside `maxAge: 0` is free, an attribute that is off is not sent. */
function comparable(cookie: Cookie): Cookie {
  return Object.fromEntries(
    Object.entries(cookie).filter(
      ([name, value]) => value !== false && !(name === "expires" && cookie["maxAge"] === 0),
    ),
  );
}

/** A Set-Cookie line as an object; one that the handler set itself by name and value only. */
function cookieOf(line: string, ops: readonly Op[]): Cookie {
  const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
  const at = pair.indexOf("=");
  const [name, value] = [pair.slice(0, at), pair.slice(at + 1)];
  if (ops.some(([word, ownName, ownValue]) => word === "cookie" && ownName === name && String(ownValue) === value))
    return { name, value };
  return comparable({ name, value, ...Object.fromEntries(attributes.map(attributeOf)) });
}

function attributeOf(part: string): [string, unknown] {
  const at = part.indexOf("=");
  if (at < 0) return [camelCase(part), true];
  const [name, value] = [camelCase(part.slice(0, at)), part.slice(at + 1)];
  return [name, name === "maxAge" ? Number(value) : value];
}

const CAMEL_CASE: Readonly<Record<string, string>> = {
  "max-age": "maxAge",
  httponly: "httpOnly",
  samesite: "sameSite",
};

function camelCase(attribute: string): string {
  const lower = attribute.toLowerCase();
  return CAMEL_CASE[lower] ?? lower;
}

/** What the handler's ops answered, where it came to answer them. */
function resultsOf({ headers, body }: Received): unknown {
  if (!headers.get("content-type")?.startsWith("application/json")) return undefined;
  try {
    return (JSON.parse(body) as { results?: unknown }).results;
  } catch {
    return undefined;
  }
}

function shown(symbols: Symbols, value: unknown): string {
  return typeof value === "string" ? String(symbols.show(value)) : (JSON.stringify(symbols.show(value)) ?? "nothing");
}
