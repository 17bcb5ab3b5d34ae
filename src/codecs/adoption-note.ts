import { seal, unseal } from "./encoded-data.js";

/**
 * What remains of an old session after its adoption: the same old cookie leads to the same new session, or to none.
 */
export interface AdoptionNote {
  /** Random: with the old cookie it gives the token of the new session. */
  readonly nonce: string;
  /** Hash of that token. */
  readonly successor: string;
}

interface Stored {
  /** key and namespace of this note */
  k: string;
  n: string;
  /** nonce, successor */
  t: string;
  s: string;
}

/** Encodes a note. It contains no token, and nothing from which one can be derived without the old cookie. */
export function encodeNote(key: string, namespace: string, { nonce, successor }: AdoptionNote): string {
  return seal(JSON.stringify({ k: key, n: namespace, s: successor, t: nonce } satisfies Stored));
}

/** Decodes a note; undefined if it is damaged, of another key or namespace, or of a newer format. */
export function decodeNote(key: string, namespace: string, value: string): AdoptionNote | undefined {
  const opened = unseal(value);
  const stored = opened.kind === "body" ? parsed(opened.body) : undefined;
  if (stored?.k !== key || stored.n !== namespace) return undefined;
  return typeof stored.t === "string" && typeof stored.s === "string"
    ? { nonce: stored.t, successor: stored.s }
    : undefined;
}

function parsed(body: string): Partial<Stored> | undefined {
  try {
    return (JSON.parse(body) as Partial<Stored> | null) ?? undefined;
  } catch {
    return undefined;
  }
}
