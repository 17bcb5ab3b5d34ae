/** The calls that send a response. `flush` exists if the body is compressed. */
export type CallName = "writeHead" | "flushHeaders" | "write" | "end" | "flush";

/**
 * The phase of a response with a session:
 *
 * - `open`: nothing was sent or requested.
 * - `announcing`: the first byte was requested, and code that patched `writeHead` is called, as Node would call it.
 * - `waiting`: the first byte was requested, and the session is being stored. The head is fixed; writes are held.
 * - `ended`: the same, and the handler has called `end`.
 * - `sending`: the session is stored, the head can be sent; writes are passed on.
 * - `finishing`: the handler has called `end`, and changes made during the body are being stored.
 * - `closed`: everything was passed to Node, or the client has disconnected.
 */
export type Phase = "open" | "announcing" | "waiting" | "ended" | "sending" | "finishing" | "closed";

/**
 * What happens to a call:
 *
 * - `begin`: it requests the first byte: the session is stored first.
 * - `take`: it is the call that announces the head.
 * - `hold`: it is kept, and made after the session is stored.
 * - `late`: it comes after `end`: refused as in Node.
 * - `refuse`: the head is fixed: it throws.
 * - `ignore`: it has no effect.
 * - `finish`: it is the last call: changes made during the body are stored first.
 * - `pass`: it is passed to Node unchanged.
 */
export type Verdict = "begin" | "take" | "hold" | "late" | "refuse" | "ignore" | "finish" | "pass";

/** What happens to each call in each phase. */
export const VERDICTS: Readonly<Record<Phase, Readonly<Record<CallName, Verdict>>>> = {
  open: { writeHead: "begin", flushHeaders: "begin", write: "begin", end: "begin", flush: "pass" },
  announcing: { writeHead: "take", flushHeaders: "ignore", write: "begin", end: "begin", flush: "pass" },
  waiting: { writeHead: "refuse", flushHeaders: "ignore", write: "hold", end: "hold", flush: "hold" },
  ended: { writeHead: "refuse", flushHeaders: "ignore", write: "late", end: "late", flush: "ignore" },
  sending: { writeHead: "pass", flushHeaders: "pass", write: "pass", end: "finish", flush: "pass" },
  finishing: { writeHead: "refuse", flushHeaders: "ignore", write: "late", end: "late", flush: "ignore" },
  closed: { writeHead: "pass", flushHeaders: "pass", write: "pass", end: "pass", flush: "pass" },
};

/** True if status and headers are final although nothing was sent. */
export function isHeadFixed(phase: Phase): boolean {
  return phase === "waiting" || phase === "ended" || phase === "finishing";
}

/** True if the handler has ended its response although not all of it was sent. */
export function isEnded(phase: Phase): boolean {
  return phase === "ended" || phase === "finishing";
}

/** A held call, and the object to call it on. */
export interface HeldCall<T> {
  readonly name: CallName;
  readonly args: readonly unknown[];
  readonly target: T;
}

/** The calls that wait until the session is stored, and the status at the time of the calls. */
export class HeldCalls<T> {
  readonly calls: HeldCall<T>[] = [];
  readonly status: number;
  readonly message: string | undefined;
  /** True if a `write` returned false, so the writer waits for "drain". */
  isFull = false;
  /** Number of held bytes. */
  length = 0;

  constructor(status: number, message: string | undefined) {
    this.status = status;
    this.message = message;
  }

  /** Keeps a call. Returns true if there is room for more, like a stream with this high water mark. */
  add(call: HeldCall<T>, highWaterMark: number): boolean {
    this.calls.push(call);
    const [chunk, encoding] = call.args;
    this.length += lengthOf(chunk, encoding);
    const hasRoom = this.length < highWaterMark;
    if (call.name === "write" && !hasRoom) this.isFull = true;
    return hasRoom;
  }

  /** The callbacks of all held calls: each must be called, even if its bytes are discarded. */
  get callbacks(): readonly Callback[] {
    return this.calls.flatMap(({ args }) => callbackOf(args) ?? []);
  }
}

/** Called after bytes were written, or with an error. */
export type Callback = (error?: Error | null) => void;

/** The callback among the arguments of `write` or `end`. */
export function callbackOf(args: readonly unknown[]): Callback | undefined {
  return args.find((one): one is Callback => typeof one === "function");
}

/** Length of a part of a body in bytes. */
export function lengthOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === "string")
    return Buffer.byteLength(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
  return ArrayBuffer.isView(chunk) ? chunk.byteLength : 0;
}
