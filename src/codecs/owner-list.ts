import type { SessionInfo } from "../contracts/session-api.js";
import { seal, unreadable, unseal, type NoRecord } from "./encoded-data.js";

/** A session in the list of its owner. */
export interface Listed {
  /** Hash of the token. */
  readonly hash: string;
  /** Epoch ms. */
  readonly createdAt: number;
  /** Description that the application gave at login. */
  readonly info?: SessionInfo | undefined;
  /** Hash of the token before the last renewal. */
  readonly from?: string | undefined;
  /** Who acts in it, if it is an impersonation of this owner. */
  readonly actor?: string | undefined;
}

/** The stored record of an owner: their sessions, and an epoch that changes when all of them are ended. */
export interface OwnerList {
  readonly kind: "owner";
  readonly epoch: string;
  /** The newest is last. */
  readonly sessions: readonly Listed[];
  /** Index of the session that is checked next for expiry; default: 0. */
  readonly next?: number | undefined;
}

type Row = [hash: string, createdAt: number, info: SessionInfo | null, from?: string, actor?: string];

interface Stored {
  /** key and namespace of this list */
  k: string;
  n: string;
  e: string;
  l: Row[];
  /** `next`, unless it is 0 */
  h?: number;
}

/** Encodes and decodes owner lists. */
export class OwnerListCodec {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  encode(key: string, { epoch, sessions, next = 0 }: OwnerList): string {
    const rows = sessions.map(({ hash, createdAt, info, from, actor }): Row => {
      if (actor !== undefined) return [hash, createdAt, info ?? null, from ?? "", actor];
      return from === undefined ? [hash, createdAt, info ?? null] : [hash, createdAt, info ?? null, from];
    });
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
    if (!stored) return unreadable("it is not a list of sessions");
    if (stored.k !== key || stored.n !== this.#namespace)
      return unreadable("it is the list of another key or namespace");
    return { kind: "owner", epoch: stored.e, next: stored.h ?? 0, sessions: stored.l.map(listed) };
  }
}

function listed([hash, createdAt, info, from, actor]: Row): Listed {
  const known = { hash, createdAt, info: info ?? undefined, from: from === "" ? undefined : from };
  return actor === undefined ? known : { ...known, actor };
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
  const [hash, createdAt, info, from, actor] = row as unknown[];
  return (
    typeof hash === "string" &&
    Number.isFinite(createdAt) &&
    typeof info === "object" &&
    [from, actor].every((text) => text === undefined || typeof text === "string")
  );
}
