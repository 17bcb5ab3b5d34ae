import { SEALED_ELSEWHERE } from "../contracts/storage.js";
import { checksum } from "../util/checksum.js";

/** A stored value that cannot be used: damaged, foreign, or written by a newer version of Holdfast. */
export interface NoRecord {
  readonly kind: "unreadable" | "newer";
  readonly why: string;
}

/** The content of a valid envelope. */
export interface Body {
  readonly kind: "body";
  readonly body: string;
}

/** The format that this code writes, and the newest that it reads. */
const FORMAT = "1";
const START = `${FORMAT}:`;

/** Every format has this envelope: `FORMAT:CHECKSUM\n` and the rest. The checksum covers format and rest. */
const ENVELOPE = /^([1-9]\d{0,3}):([0-9a-z]{1,7})\n/;

/** Returns the value to store, with format and checksum. */
export function seal(body: string): string {
  return `${FORMAT}:${checksum(FORMAT, body)}\n${body}`;
}

/** Returns the content of a stored value, if it is intact. */
export function unseal(value: string): Body | NoRecord {
  const end = value.indexOf("\n");
  const body = value.slice(end + 1);
  const isCurrent = end > 0 && value.startsWith(START) && value.slice(START.length, end) === checksum(FORMAT, body);
  return isCurrent ? { kind: "body", body } : unsealOther(value);
}

/** Reports why a value is damaged, foreign or of another format. */
function unsealOther(value: string): NoRecord {
  if (value === SEALED_ELSEWHERE)
    return { kind: "newer", why: "it is encrypted with a key that this server does not have" };
  const [head, format, sum] = (ENVELOPE.exec(value) ?? []) as string[];
  if (head === undefined || format === undefined) return unreadable("it is not a record of Holdfast");
  const isNewer = Number(format) > Number(FORMAT) && sum === checksum(format, value.slice(head.length));
  return isNewer
    ? { kind: "newer", why: `format ${format} is newer than ${FORMAT}` }
    : unreadable("its checksum is wrong");
}

/** Reports why a stored value cannot be read. */
export function unreadable(why: string): NoRecord {
  return { kind: "unreadable", why };
}
