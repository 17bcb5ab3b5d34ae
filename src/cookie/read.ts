/** The cookies of one name in a Cookie header. */
export interface CookieValues {
  /** The first value, as it was sent: not decoded, with its quotes. */
  readonly first: string | undefined;
  /** Number of cookies with this name. */
  readonly count: number;
}

const NONE: CookieValues = { first: undefined, count: 0 };

/**
 * Finds one name in a Cookie header (RFC 6265 §5.4, as sent by browsers): pairs are split at `;`, names are compared
 * exactly, only spaces and tabs around a name or value are removed. One pass, no percent-decoding, no quoted strings.
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
