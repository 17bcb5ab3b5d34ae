import type { SessionInfo } from "../contracts/session-api.js";
import { seal, unreadable, unseal, type NoRecord } from "./envelope.js";

/** One session in the list of its owner. */
export interface Listed {
  /** Hash of the session's token. */
  readonly hash: string;
  /** Epoch ms. */
  readonly createdAt: number;
  /** What the application said of it at the login. */
  readonly info?: SessionInfo | undefined;
  /** Hash of the token it had before its last renewal. */
  readonly from?: string | undefined;
}

/** What is persisted of an owner: which sessions are theirs, and an epoch that changes when all of them are ended. */
export interface OwnerList {
  readonly kind: "owner";
  readonly epoch: string;
  /** The newest last. */
  readonly sessions: readonly Listed[];
  /** Which of them is looked at next, to see whether it is still live; default: the first. */
  readonly next?: number | undefined;
}

type Row = [hash: string, createdAt: number, info: SessionInfo | null, from?: string];

interface Stored {
  /** the list's own key and namespace */
  k: string;
  n: string;
  e: string;
  l: Row[];
  /** next, unless it is 0 */
  h?: number;
}

/** Lists of sessions as text. */
export class OwnerListCodec {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  encode(key: string, { epoch, sessions, next = 0 }: OwnerList): string {
    const rows = sessions.map(
      ({ hash, createdAt, info, from }): Row =>
        from === undefined ? [hash, createdAt, info ?? null] : [hash, createdAt, info ?? null, from],
    );
    return seal(
      JSON.stringify({
        k: key,
        n: this.#namespace,
        e: epoch,
        l: rows,
        ...(next > 0 && { h: next }),
      } satisfies Stored),
    );
  }

  decode(key: string, value: string): OwnerList | NoRecord {
    const opened = unseal(value);
    if (opened.kind !== "body") return opened;
    const stored = parse(opened.body);
    if (!stored) return unreadable("it is no list of sessions");
    if (stored.k !== key || stored.n !== this.#namespace)
      return unreadable("it is the list of another key or namespace");
    return {
      kind: "owner",
      epoch: stored.e,
      next: stored.h ?? 0,
      sessions: stored.l.map(([hash, createdAt, info, from]) => ({ hash, createdAt, info: info ?? undefined, from })),
    };
  }
}

function parse(body: string): Stored | undefined {
  try {
    const stored = JSON.parse(body) as Partial<Stored> | null;
    const isList =
      typeof stored?.e === "string" &&
      Array.isArray(stored.l) &&
      stored.l.every(isRow) &&
      (stored.h === undefined || Number.isSafeInteger(stored.h));
    return isList ? (stored as Stored) : undefined;
  } catch {
    return undefined;
  }
}

function isRow(row: unknown): boolean {
  if (!Array.isArray(row)) return false;
  const [hash, createdAt, info, from] = row as unknown[];
  return (
    typeof hash === "string" &&
    Number.isFinite(createdAt) &&
    typeof info === "object" &&
    (from === undefined || typeof from === "string")
  );
}
