import type { Awaitable } from "../contracts/storage.js";
import type { RequestView } from "../http/request-view.js";

/**
 * Where a token was looked for and can be answered. `cookie` and `header` can be written; the others are read-only.
 */
export type Source = "cookie" | "header" | "auth-header" | "query" | "form" | "param" | "other" | "chain";

/** What one member of an extractor found. */
export interface Found {
  /** The text that stands where the token is looked for; never empty. */
  readonly value: string;
  readonly member: Extractor;
  /** Set where several were sent. A header sent twice is no token; of several cookies the first counts. */
  readonly duplicate?: "refused" | "first" | undefined;
}

/**
 * Finds the token in a request and says where to answer. Made by `fromCookie`, `fromHeader` and the other functions;
 * frozen.
 */
export interface Extractor {
  readonly source: Source;
  /**
   * Name of the cookie, header, query parameter, form field or route parameter; the scheme of an Authorization
   * header.
   */
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

/**
 * The request headers an answer depends on when this extractor was asked; `*` where only the application knows what
 * it reads.
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

/** An extractor of one place. `look` answers what stands there first, and whether more does. */
export function single(
  source: Source,
  key: string,
  repeated: "refused" | "first",
  look: (view: RequestView) => Standing,
): Extractor {
  const extractor: Extractor = {
    source,
    key,
    needsBody: false,
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

/** Texts in one place: the first, and how many there are. */
export interface Standing {
  readonly first: string | undefined;
  readonly count: number;
}

/** Of all texts in one place the first, and how many there are. */
export function standing(values: readonly string[]): Standing {
  return { first: values[0], count: values.length };
}

/** What the first text in one place amounts to. */
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
