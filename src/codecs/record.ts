import { seal, unreadable, unseal, type NoRecord, EncodedData } from "./encoded-data.js";

/** The stored record of a session: data and metadata. */
export interface SessionRecord {
  readonly kind: "record";
  /** Epoch ms. */
  readonly createdAt: number;
  /** Epoch ms of the last login or step-up, if there was one. */
  readonly authenticatedAt?: number | undefined;
  /** Idle timeout of this session in ms, if it differs from the store's. */
  readonly idle?: number | undefined;
  /** Absolute deadline in epoch ms, if there is one. */
  readonly absolute?: number | undefined;
  /** The idle deadline last sent to the client, if the stored one was moved without a response. */
  readonly promised?: number | undefined;
  readonly owner?: string | undefined;
  /** Absolute timeout of this session in ms, if its login set one. */
  readonly lifetime?: number | undefined;
  /** True: its cookie has no Max-Age. Set by the login; default: the cookie options. */
  readonly sessionOnly?: boolean | undefined;
  /** Of an impersonation: the session that the actor had before, and returns to. */
  readonly parked?: Parked | undefined;
  /** Ids of the last saves, the newest last, each {@link WRITE_ID_LENGTH} long. */
  readonly writes: string;
  /** The data: the value of each key as one line of JSON. */
  readonly data: EncodedData;
}

/** What a session was before it became an impersonation. */
export interface Parked
  extends Pick<SessionRecord, "createdAt" | "authenticatedAt" | "idle" | "absolute" | "lifetime" | "sessionOnly"> {
  readonly owner: string;
  readonly data: EncodedData;
}

/** True if a session belongs to this owner, or is an impersonation by them. */
export function concerns({ owner, parked }: Pick<SessionRecord, "owner" | "parked">, one: string): boolean {
  return owner === one || parked?.owner === one;
}

/**
 * Replaces a renewed record for a limited time. It has no data, only the hash of its successor; `""` if the session
 * was ended: until then no record can be created under its key.
 */
export interface Marker {
  readonly kind: "marker";
  /** Epoch ms. */
  readonly retiredAt: number;
  /** Hash of the successor's token, or `""`. */
  readonly successor: string;
  /** The clock that `retiredAt` was read from: a random name of the store that wrote it. */
  readonly by?: string | undefined;
}

export const WRITE_ID_LENGTH = 6;
const WRITES_REMEMBERED = 8;

/** Appends a write id; the record keeps the last eight. */
export function remember(writes: string, writeId: string): string {
  const forgotten = writes.length + WRITE_ID_LENGTH - WRITES_REMEMBERED * WRITE_ID_LENGTH;
  return (forgotten > 0 ? writes.slice(forgotten) : writes) + writeId;
}

/** True if a record still has this write id. */
export function remembers(writes: string, writeId: string): boolean {
  for (let at = 0; at < writes.length; at += WRITE_ID_LENGTH) if (writes.startsWith(writeId, at)) return true;
  return false;
}

/**
 * Numbers of a record, in the order in which they are written: createdAt, authenticatedAt, idle, absolute, promised,
 * lifetime, sessionOnly (0 or 1).
 */
interface Times {
  c: number;
  a?: number | undefined;
  i?: number | undefined;
  x?: number | undefined;
  p?: number | undefined;
  l?: number | undefined;
  t?: number | undefined;
}

/** Of a parked session: times, owner, data. */
interface ParkedHead extends Times {
  o: string;
  d: string;
}

interface Head extends Partial<Times> {
  /** the record's own key (hash of the token) and namespace: a record copied to another key is not accepted there */
  k: string;
  n: string;
  /** owner, writes */
  o?: string | undefined;
  w?: string;
  /** parked */
  v?: ParkedHead;
  /** of a marker: successor, retiredAt, by */
  s?: string;
  r?: number;
  b?: string;
}

/**
 * Encodes and decodes records and markers. In the envelope, the first line is the metadata (JSON). One line for each
 * key and one line for each value follow.
 */
export class RecordCodec {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  encode(hash: string, entry: SessionRecord | Marker): string {
    const start = this.#start(hash);
    if (entry.kind === "marker") {
      const by = entry.by === undefined ? "" : `,"b":"${entry.by}"`;
      return seal(`${start},"s":"${entry.successor}","r":${entry.retiredAt}${by}}`);
    }
    const { createdAt, authenticatedAt, idle, absolute, promised, lifetime, sessionOnly, owner, parked } = entry;
    let body = `${start},"c":${createdAt}${field("a", authenticatedAt)}${field("i", idle)}${field("x", absolute)}`;
    body += `${field("p", promised)}${field("l", lifetime)}`;
    body += field("t", sessionOnly === undefined ? undefined : Number(sessionOnly));
    body += `${owner === undefined ? "" : `,"o":${JSON.stringify(owner)}`},"w":"${entry.writes}"`;
    body += parked ? `,"v":${parkedText(parked)}}` : "}";
    return seal(entry.data.isEmpty ? body : `${body}\n${entry.data.lines}`);
  }

  decode(hash: string, value: string): SessionRecord | Marker | NoRecord {
    const opened = unseal(value);
    return opened.kind === "body" ? this.#open(hash, opened.body) : opened;
  }

  #open(hash: string, body: string): SessionRecord | Marker | NoRecord {
    const end = body.indexOf("\n");
    const line = end === -1 ? body : body.slice(0, end);
    const start = this.#start(hash);
    const head = line.startsWith(start) ? headAsWritten(line, start.length, hash, this.#namespace) : parseHead(line);
    if (!head) return unreadable("its first line is damaged");
    if (head.k !== hash) return unreadable("it is the record of another key");
    if (head.n !== this.#namespace) return unreadable("it is the record of another namespace");
    if (head.s !== undefined) return marker(head);
    const data = end === -1 ? EncodedData.none : EncodedData.read(body.slice(end + 1));
    return data ? record(head, data) : unreadable("its data is damaged");
  }

  /** Start of the metadata of every entry with this hash. Neither string contains characters that JSON escapes. */
  #start(hash: string): string {
    return `{"k":"${hash}","n":"${this.#namespace}"`;
  }
}

function field(name: keyof Times, time: number | undefined): string {
  return time === undefined ? "" : `,"${name}":${time}`;
}

/** Times, owner (if JSON escapes no character of it) and writes, as `encode` writes them after key and namespace. */
const REST =
  /,"c":(\d+)(?:,"a":(\d+))?(?:,"i":(\d+))?(?:,"x":(\d+))?(?:,"p":(\d+))?(?:,"l":(\d+))?(?:,"t":([01]))?(?:,"o":"([^"\\\p{Cc}]*)")?,"w":"([\w-]*)"\}$/uy;

/**
 * Parses metadata as this code writes it, in a third of the time of `JSON.parse`; other metadata goes to `JSON.parse`.
 */
function headAsWritten(line: string, at: number, k: string, n: string): Head | undefined {
  REST.lastIndex = at;
  const found = REST.exec(line);
  if (!found) return parseHead(line);
  const [, c, a, i, x, p, l, t, o, w] = found;
  return { k, n, c: Number(c), a: time(a), i: time(i), x: time(x), p: time(p), l: time(l), t: time(t), o, w: w! };
}

function time(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

function parseHead(line: string): Head | undefined {
  try {
    const head: unknown = JSON.parse(line);
    return typeof head === "object" && head !== null ? (head as Head) : undefined;
  } catch {
    return undefined;
  }
}

function parkedText({
  createdAt,
  authenticatedAt,
  idle,
  absolute,
  lifetime,
  sessionOnly,
  owner,
  data,
}: Parked): string {
  const times = { c: createdAt, a: authenticatedAt, i: idle, x: absolute, l: lifetime };
  const t = sessionOnly === undefined ? undefined : Number(sessionOnly);
  return JSON.stringify({ o: owner, ...times, t, d: data.lines } satisfies ParkedHead);
}

/** Undefined if it is damaged. */
function parkedFrom(head: unknown): Parked | undefined {
  if (typeof head !== "object" || head === null) return undefined;
  const { o, d, c, a, i, x, l, t } = head as Partial<ParkedHead>;
  if (!isText(o) || !isText(d) || !isTime(c) || ![a, i, x, l, t].every(isTimeOrAbsent)) return undefined;
  const data = d === "" ? EncodedData.none : EncodedData.read(d);
  const times = { createdAt: c, authenticatedAt: a, idle: i, absolute: x, lifetime: l };
  return data && { owner: o, data, ...times, sessionOnly: t === undefined ? undefined : t === 1 };
}

function record({ c, a, i, x, p, l, t, o, w, v }: Head, data: EncodedData): SessionRecord | NoRecord {
  const areTimes = isTimeOrAbsent(a) && isTimeOrAbsent(i) && isTimeOrAbsent(x) && isTimeOrAbsent(p);
  const isWhole = isTime(c) && areTimes && isText(w) && (o === undefined || isText(o));
  if (!isWhole) return unreadable("its metadata is damaged");
  const usual: SessionRecord = {
    kind: "record",
    createdAt: c,
    authenticatedAt: a,
    idle: i,
    absolute: x,
    promised: p,
    owner: o,
    writes: w,
    data,
  };
  // Most records have none of these, and objects of one shape are faster.
  return l === undefined && t === undefined && v === undefined ? usual : withTerms(usual, l, t, v);
}

/** Adds the fields of a login with separate terms, and of an impersonation. */
function withTerms(usual: SessionRecord, l: Head["l"], t: Head["t"], v: Head["v"]): SessionRecord | NoRecord {
  const parked = v === undefined ? undefined : parkedFrom(v);
  if (!isTimeOrAbsent(l) || !isTimeOrAbsent(t) || (v !== undefined && !parked))
    return unreadable("its metadata is damaged");
  const terms = { ...(l !== undefined && { lifetime: l }), ...(t !== undefined && { sessionOnly: t === 1 }) };
  return { ...usual, ...terms, ...(parked && { parked }) };
}

function marker({ s, r, b }: Head): Marker | NoRecord {
  if (!isText(s) || !isTime(r) || !(b === undefined || isText(b))) return unreadable("its metadata is damaged");
  return { kind: "marker", successor: s, retiredAt: r, ...(b !== undefined && { by: b }) };
}

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isTimeOrAbsent = (value: unknown): boolean => value === undefined || isTime(value);
