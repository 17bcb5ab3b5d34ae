import { SEALED_ELSEWHERE } from "../contracts/storage.js";
import { checksum } from "../util/checksum.js";

/** Stored text that cannot be used: damaged, foreign, or written by a newer Holdfast. */
export interface NoRecord {
  readonly kind: "unreadable" | "newer";
  readonly why: string;
}

/** What an envelope holds. */
export interface Body {
  readonly kind: "body";
  readonly body: string;
}

/** The format this code writes and the newest it reads. */
const FORMAT = "1";
const START = `${FORMAT}:`;

/** Every format keeps this envelope: `FORMAT:CHECKSUM\n` and the rest, the checksum taken over format and rest. */
const ENVELOPE = /^([1-9]\d{0,3}):([0-9a-z]{1,7})\n/;

/** Text to store, with its format and checksum. */
export function seal(body: string): string {
  return `${FORMAT}:${checksum(FORMAT, body)}\n${body}`;
}

/** What stored text holds, if it is whole. */
export function unseal(value: string): Body | NoRecord {
  const end = value.indexOf("\n");
  const body = value.slice(end + 1);
  const isCurrent = end > 0 && value.startsWith(START) && value.slice(START.length, end) === checksum(FORMAT, body);
  return isCurrent ? { kind: "body", body } : unsealOther(value);
}

/** What is not whole, or of another format. */
function unsealOther(value: string): NoRecord {
  if (value === SEALED_ELSEWHERE)
    return { kind: "newer", why: "it is sealed with a key that this server does not have" };
  const [head, format, sum] = (ENVELOPE.exec(value) ?? []) as string[];
  if (head === undefined || format === undefined) return unreadable("it is no record of Holdfast");
  const isNewer = Number(format) > Number(FORMAT) && sum === checksum(format, value.slice(head.length));
  return isNewer
    ? { kind: "newer", why: `format ${format} is newer than ${FORMAT}` }
    : unreadable("its checksum does not fit");
}

/** Why stored text is not what should stand there. */
export function unreadable(why: string): NoRecord {
  return { kind: "unreadable", why };
}
