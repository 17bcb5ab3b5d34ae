import type { Awaitable } from "../contracts/storage.js";
import type { RequestView } from "../http/request-view.js";

/** Where a token is read. A token can be written to `cookie` and `header`; the others are read-only. */
export type Source = "cookie" | "header" | "auth-header" | "query" | "form" | "param" | "other" | "chain";

/** What a member of an extractor found. */
export interface Found {
  /** The value at the place of the token; never empty. */
  readonly value: string;
  readonly member: Extractor;
  /**
   * Set if the request contains several values. A repeated header is not a token; of several cookies the first counts.
   */
  readonly duplicate?: "refused" | "first" | undefined;
}

/**
 * Finds the token in a request and says where to send a new one. Created by `fromCookie`, `fromHeader` and the other
 * functions; frozen.
 */
export interface Extractor {
  readonly source: Source;
  /** Name of the cookie, header, query parameter, form field or route parameter; scheme of an Authorization header. */
  readonly key: string;
  /** Its members in order: itself, or the members of a chain. */
  readonly members: readonly Extractor[];
  /** True if it needs the body, which some frameworks parse late. */
  readonly needsBody: boolean;
  /**
   * Set if values are signed: a value that was found is verified, so it may be any text, and a new token is written
   * as this function encodes it.
   *
   * @param token - the token
   * @returns what is written
   */
  encode?(token: string): string;
  /**
   * Searches a request.
   *
   * @param view - the request
   * @returns the value and the member that found it, or undefined if there is no value or an empty one
   */
  find(view: RequestView): Awaitable<Found | undefined>;
}

/** True if a new token can be sent in the same place. */
export function isWritable(extractor: Extractor): boolean {
  return extractor.source === "cookie" || extractor.source === "header";
}

/**
 * Returns the request headers that a response depends on if this extractor was used; `*` if only the application knows
 * what it reads.
 */
export function askedHeaders(extractor: Extractor): readonly string[] {
  return [...new Set(extractor.members.flatMap((member) => varyName(member)))];
}

function varyName({ source, key }: Extractor): string[] {
  if (source === "cookie") return ["Cookie"];
  if (source === "auth-header") return ["Authorization"];
  if (source === "other") return ["*"];
  return source === "header" ? [key] : [];
}

/**
 * Creates an extractor of one place. `look` returns the first value there, and the number of values; `encode` is the
 * extractor's own, if `look` verifies signatures.
 */
export function single(
  source: Source,
  key: string,
  repeated: "refused" | "first",
  look: (view: RequestView) => Values,
  encode?: (token: string) => string,
): Extractor {
  const extractor: Extractor = {
    source,
    key,
    needsBody: false,
    ...(encode && { encode }),
    get members() {
      return [extractor];
    },
    find(view) {
      const { first, count } = look(view);
      return found(extractor, first, count > 1 ? repeated : undefined);
    },
  };
  return Object.freeze(extractor);
}

/** The values of one place: the first, and their number. */
export interface Values {
  readonly first: string | undefined;
  readonly count: number;
}

/** Returns the first of several values, and their number. */
export function valuesOf(values: readonly string[]): Values {
  return { first: values[0], count: values.length };
}

/** Returns the result of an extractor for the first value in its place. */
export function found(
  member: Extractor,
  value: string | undefined,
  duplicate: Found["duplicate"],
): Found | undefined {
  return value === undefined || value === "" ? undefined : new Finding(value, member, duplicate);
}

class Finding implements Found {
  readonly value: string;
  readonly member: Extractor;
  readonly duplicate: Found["duplicate"];

  constructor(value: string, member: Extractor, duplicate: Found["duplicate"]) {
    this.value = value;
    this.member = member;
    this.duplicate = duplicate;
  }
}
