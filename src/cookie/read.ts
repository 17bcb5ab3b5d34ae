/** What a Cookie header holds under one name. */
export interface CookieValues {
  /** The first value, as it was sent: nothing is decoded, quotes are part of it. */
  readonly first: string | undefined;
  /** How many cookies of the name there are. */
  readonly count: number;
}

const NONE: CookieValues = { first: undefined, count: 0 };

/**
 * Looks for one name in a Cookie header (RFC 6265 §5.4 as sent by browsers): pairs are split at `;`, names compared
 * exactly, only space and tab around a name or value are dropped. One pass, no percent-decoding, no quoted strings.
 */
export function readCookie(header: string | undefined, name: string): CookieValues {
  if (header === undefined || !header.includes(name)) return NONE;
  let first: string | undefined;
  let count = 0;
  let equals = -1;
  for (let start = 0; start <= header.length; ) {
    const end = until(header, ";", start);
    if (equals < start) equals = until(header, "=", start);
    if (equals < end && trimmed(header, start, equals) === name) {
      first ??= trimmed(header, equals + 1, end);
      count++;
    }
    start = end + 1;
  }
  return { first, count };
}

function until(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at === -1 ? text.length : at;
}

function trimmed(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

const isBlank = (unit: number): boolean => unit === 0x20 || unit === 0x09;
