import { checksum } from "../leaves/checksum.js";

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
const FORMAT = 1;

/** Every format keeps this envelope: `FORMAT:CHECKSUM\n` and the rest, the checksum taken over format and rest. */
const ENVELOPE = /^([1-9]\d{0,3}):([0-9a-z]{1,7})\n/;

/** Text to store, with its format and checksum. */
export function seal(body: string): string {
  return `${FORMAT}:${checksum(String(FORMAT), body)}\n${body}`;
}

/** What stored text holds, if it is whole. */
export function unseal(value: string): Body | NoRecord {
  const envelope = ENVELOPE.exec(value);
  if (!envelope) return unreadable("it is no record of Holdfast");
  const [head, format, sum] = envelope as unknown as [string, string, string];
  if (checksum(format, value, head.length) !== sum) return unreadable("its checksum does not fit");
  if (Number(format) > FORMAT) return { kind: "newer", why: `format ${format} is newer than ${FORMAT}` };
  return { kind: "body", body: value.slice(head.length) };
}

/** Why stored text is not what should stand there. */
export function unreadable(why: string): NoRecord {
  return { kind: "unreadable", why };
}
