/** What the answering side of a request can call. `flush` is there if something compresses the body. */
export type CallName = "writeHead" | "flushHeaders" | "write" | "end" | "flush";

/**
 * What a response under a session is doing:
 *
 * - `open`: nothing was sent or asked for.
 * - `announcing`: the first byte was asked for, and what patched the response since is told of its head, as Node
 *   would tell it.
 * - `waiting`: the first byte was asked for, and the session is being stored. The head is fixed; what is written is
 *   held.
 * - `ended`: the same, and the handler has called `end`.
 * - `sending`: the session is stored, the head may go; what is written goes out.
 * - `finishing`: the handler has called `end`, and what changed during the body is being stored.
 * - `closed`: everything was handed to Node, or the client is gone.
 */
export type Phase = "open" | "announcing" | "waiting" | "ended" | "sending" | "finishing" | "closed";

/**
 * What becomes of a call:
 *
 * - `begin`: it asks for the first byte: the session is stored first.
 * - `take`: it is the head that is announced.
 * - `hold`: it is kept, and made once the session is stored.
 * - `late`: it comes after `end`: refused as Node refuses it.
 * - `refuse`: the head is fixed already: it throws.
 * - `ignore`: it has nothing to add.
 * - `finish`: it is the last one: what changed during the body is stored first.
 * - `pass`: it goes to Node as it is.
 */
export type Verdict = "begin" | "take" | "hold" | "late" | "refuse" | "ignore" | "finish" | "pass";

/** What becomes of each call in each phase. */
export const VERDICTS: Readonly<Record<Phase, Readonly<Record<CallName, Verdict>>>> = {
  open: { writeHead: "begin", flushHeaders: "begin", write: "begin", end: "begin", flush: "pass" },
  announcing: { writeHead: "take", flushHeaders: "ignore", write: "begin", end: "begin", flush: "pass" },
  waiting: { writeHead: "refuse", flushHeaders: "ignore", write: "hold", end: "hold", flush: "hold" },
  ended: { writeHead: "refuse", flushHeaders: "ignore", write: "late", end: "late", flush: "ignore" },
  sending: { writeHead: "pass", flushHeaders: "pass", write: "pass", end: "finish", flush: "pass" },
  finishing: { writeHead: "refuse", flushHeaders: "ignore", write: "late", end: "late", flush: "ignore" },
  closed: { writeHead: "pass", flushHeaders: "pass", write: "pass", end: "pass", flush: "pass" },
};

/** Whether status and headers are final although nothing was sent. */
export function isHeadFixed(phase: Phase): boolean {
  return phase === "waiting" || phase === "ended" || phase === "finishing";
}

/** Whether the handler has ended its answer although not all of it was sent. */
export function isEnded(phase: Phase): boolean {
  return phase === "ended" || phase === "finishing";
}

/** One call that is held, with what it will be made on. */
export interface HeldCall<T> {
  readonly name: CallName;
  readonly args: readonly unknown[];
  readonly target: T;
}

/** The calls that wait for the session to be stored, and the status they were made under. */
export class HeldCalls<T> {
  readonly calls: HeldCall<T>[] = [];
  readonly status: number;
  readonly message: string | undefined;
  /** Whether a `write` was told to wait for "drain". */
  isFull = false;
  /** Bytes that are held. */
  length = 0;

  constructor(status: number, message: string | undefined) {
    this.status = status;
    this.message = message;
  }

  /** Keeps a call. Returns whether there is room for more, as a stream with this high water mark would. */
  add(call: HeldCall<T>, highWaterMark: number): boolean {
    this.calls.push(call);
    const [chunk, encoding] = call.args;
    this.length += lengthOf(chunk, encoding);
    const hasRoom = this.length < highWaterMark;
    if (call.name === "write" && !hasRoom) this.isFull = true;
    return hasRoom;
  }

  /** The callbacks of all held calls: each is owed a call, also where its bytes are dropped. */
  get callbacks(): readonly Callback[] {
    return this.calls.flatMap(({ args }) => callbackOf(args) ?? []);
  }
}

/** What is called once bytes were written, or with the reason why not. */
export type Callback = (error?: Error | null) => void;

/** The callback among the arguments of `write` or `end`. */
export function callbackOf(args: readonly unknown[]): Callback | undefined {
  return args.find((one): one is Callback => typeof one === "function");
}

/** Bytes of a piece of a body. */
export function lengthOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === "string")
    return Buffer.byteLength(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
  return ArrayBuffer.isView(chunk) ? chunk.byteLength : 0;
}
