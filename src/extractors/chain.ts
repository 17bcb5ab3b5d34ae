import { mistake } from "../errors.js";
import { misuse } from "../util/assert.js";
import type { RequestView } from "../http/request-view.js";
import type { Extractor, Found } from "./extractor.js";
import { fromAuthHeader, fromCookie, fromForm, fromHeader, fromParam, fromQuery } from "./sources.js";

/**
 * Tries extractors in order and uses the first that finds a value. If that value is malformed, unknown or expired, the
 * request has no session. A new token is sent in every member that can be written.
 *
 * @param extractors - the members, in order
 * @returns an extractor over all members
 * @throws {TypeError} if there are no members, or a member is not an extractor
 * @example
 * ```ts
 * session({ extractor: chain(fromCookie("session_id"), fromHeader("X-Session-ID")) });
 * ```
 */
export function chain(...extractors: readonly Extractor[]): Extractor {
  if (extractors.length === 0)
    throw mistake("wrong-option", "chain() has no members; write chain(fromCookie(), fromHeader(…))");
  for (const extractor of extractors) assertExtractor("chain", extractor);
  const members = Object.freeze(extractors.flatMap((extractor) => extractor.members));
  return Object.freeze({
    source: "chain",
    key: members.map((member) => `${member.source}:${member.key}`).join(","),
    members,
    needsBody: members.some((member) => member.needsBody),
    find: members.some((member) => member.needsBody)
      ? (view: RequestView) => findSlowly(members, view)
      : (view: RequestView) => findAtOnce(members, view),
  });
}

/**
 * Creates an extractor from a `KeyLookup` string of Go Fiber: `"cookie:session_id"`, `"header:X-Session-ID"`,
 * `"query:s"`, `"form:s"`, `"param:id"`, `"authorization:Bearer"`, or several separated by commas, which make a chain.
 *
 * @param lookup - `source:name`, or several separated by commas
 * @returns the extractor
 * @throws {TypeError} if the string has another format
 * @example
 * ```ts
 * session({ extractor: keyLookup("cookie:session_id,header:X-Session-ID") });
 * ```
 */
export function keyLookup(lookup: string): Extractor {
  if (typeof lookup !== "string") throw misuse("keyLookup", lookup, '"cookie:session_id"');
  const members = lookup.split(",").map((part) => lookedUp(part.trim(), lookup));
  return members.length === 1 ? members[0]! : chain(...members);
}

/** Throws if a value is not an extractor. */
export function assertExtractor(option: string, value: unknown): asserts value is Extractor {
  if (typeof value === "function") throw misuse(option, value, `its result: ${value.name || "fromCookie"}(…)`);
  if (typeof (value as Extractor | null)?.find !== "function" || !Array.isArray((value as Extractor).members))
    throw misuse(option, value, "fromCookie(…), fromHeader(…), chain(…) …");
}

const MAKERS: Readonly<Record<string, (key: string) => Extractor>> = {
  cookie: fromCookie,
  header: fromHeader,
  query: fromQuery,
  form: fromForm,
  param: fromParam,
  authorization: fromAuthHeader,
  auth: fromAuthHeader,
};

function lookedUp(part: string, lookup: string): Extractor {
  const colon = part.indexOf(":");
  const source = part.slice(0, colon).toLowerCase();
  if (colon < 1 || !Object.hasOwn(MAKERS, source))
    throw misuse("keyLookup", lookup, `"source:name", with a source of ${Object.keys(MAKERS).join(", ")}`);
  return MAKERS[source]!(part.slice(colon + 1));
}

function findAtOnce(members: readonly Extractor[], view: RequestView): Found | undefined {
  const all = members.map((member) => member.find(view) as Found | undefined).filter((one) => one !== undefined);
  return settled(all);
}

async function findSlowly(members: readonly Extractor[], view: RequestView): Promise<Found | undefined> {
  const all: Found[] = [];
  for (const member of members) {
    if (member.needsBody && all.length > 0) break;
    const one = await member.find(view);
    if (one) all.push(one);
  }
  return settled(all);
}

/** The first value counts; a different second value causes an event. */
function settled([first, ...others]: readonly Found[]): Found | undefined {
  if (!first || first.duplicate || others.every((other) => other.value === first.value)) return first;
  return { ...first, duplicate: "first" };
}
