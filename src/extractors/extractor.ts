import type { Awaitable } from "../contracts/storage.js";
import type { RequestView } from "../http/view.js";

/** Where a token was looked for and can be answered. `cookie` and `header` can be written; the others are read-only. */
export type Source = "cookie" | "header" | "auth-header" | "query" | "form" | "param" | "other" | "chain";

/** What one member of an extractor found. */
export interface Found {
  /** The text that stands where the token is looked for; never empty. */
  readonly value: string;
  readonly member: Extractor;
  /** Set where several were sent. A header sent twice is no token; of several cookies the first counts. */
  readonly duplicate?: "refused" | "first";
}

/**
 * Finds the token in a request and says where to answer. Made by `fromCookie`, `fromHeader` and the other functions; frozen.
 */
export interface Extractor {
  readonly source: Source;
  /** Name of the cookie, header, query parameter, form field or route parameter; the scheme of an Authorization header. */
  readonly key: string;
  /** Its members in order: itself, or those of a chain. */
  readonly members: readonly Extractor[];
  /** Whether it needs the body, which some frameworks parse late. */
  readonly needsBody: boolean;
  /** Looks into a request. Nothing where there is nothing, or an empty value. */
  find(view: RequestView): Awaitable<Found | undefined>;
}

/** Whether the token can be answered in the place it is read from. */
export function isWritable(extractor: Extractor): boolean {
  return extractor.source === "cookie" || extractor.source === "header";
}

/** The request headers an answer depends on when this extractor was asked; `*` where only the application knows what it reads. */
export function askedHeaders(extractor: Extractor): readonly string[] {
  return [...new Set(extractor.members.flatMap((member) => varyName(member)))];
}

function varyName({ source, key }: Extractor): string[] {
  if (source === "cookie") return ["Cookie"];
  if (source === "auth-header") return ["Authorization"];
  if (source === "other") return ["*"];
  return source === "header" ? [key] : [];
}

/** An extractor of one place. `values` answers every text found there. */
export function single(source: Source, key: string, repeated: "refused" | "first", values: (view: RequestView) => readonly string[]): Extractor {
  const extractor: Extractor = {
    source,
    key,
    needsBody: false,
    get members() {
      return [extractor];
    },
    find(view) {
      return found(extractor, values(view), repeated);
    },
  };
  return Object.freeze(extractor);
}

/** What the values in one place amount to. */
export function found(member: Extractor, values: readonly string[], repeated: "refused" | "first"): Found | undefined {
  const value = values[0];
  if (value === undefined || value === "") return undefined;
  return values.length > 1 ? { value, member, duplicate: repeated } : { value, member };
}
