import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { nodeForm, type Fields } from "./form.js";
import type { AnswerHeaders, RequestView } from "./view.js";

/** A Node request (HTTP/1, or HTTP/2's compatibility API) as the library reads it. */
export class NodeView implements RequestView {
  readonly context: unknown;
  readonly #req: IncomingMessage;

  constructor(req: IncomingMessage, context: unknown = req) {
    this.#req = req;
    this.context = context;
  }

  get cookies(): string | undefined {
    return this.#req.headers.cookie;
  }

  get url(): string {
    return this.#req.url ?? "/";
  }

  get encrypted(): boolean {
    return (this.#req.socket as { encrypted?: boolean }).encrypted === true;
  }

  headers(name: string): readonly string[] {
    const { headers, rawHeaders } = this.#req;
    if (name === "host") return [headers.host ?? (headers[":authority"] as string | undefined) ?? ""];
    if (headers[name] === undefined) return [];
    return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name);
  }

  param(name: string): string | undefined {
    return (this.#req as { params?: Record<string, string> }).params?.[name];
  }

  form(): Promise<Fields | undefined> {
    return nodeForm(this.#req);
  }
}

/** The headers of a Node response that has not begun. */
export class NodeHeaders implements AnswerHeaders {
  readonly #res: ServerResponse;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  names(): readonly string[] {
    return (this.#res as Partial<ServerResponse>).getHeaderNames?.() ?? [];
  }

  get(name: string): string | undefined {
    const value = this.#res.getHeader(name);
    return Array.isArray(value) ? value.join(", ") : value?.toString();
  }

  set(name: string, value: string): void {
    this.#res.setHeader(name, value);
  }

  cookies(): readonly string[] {
    const value = this.#res.getHeader("Set-Cookie");
    return Array.isArray(value) ? value : value === undefined ? [] : [String(value)];
  }

  setCookies(lines: readonly string[]): void {
    this.#res.setHeader("Set-Cookie", [...lines]);
  }
}

/** What happens around an answer. */
export interface AnswerHooks {
  /** Before the first byte; nothing to wait for where it answers nothing. */
  before(): Promise<void> | undefined;
  /** Headers that are added last. */
  headers(): void;
  /** Before the last byte, or when the client is gone; nothing to wait for where it answers nothing. It reports its own failures. */
  after(): Promise<void> | undefined;
  /** `before` failed: the handler's answer is gone, another one can be given. */
  failed(error: unknown): void;
}

type Chunk = string | Uint8Array | null | undefined | (() => void);
type WriteArguments = [chunk?: Chunk, encoding?: BufferEncoding | (() => void), callback?: () => void];
type HeadArguments = [status: number, reason?: string | HeadHeaders, headers?: HeadHeaders];
type HeadHeaders = OutgoingHttpHeaders | OutgoingHttpHeader[];
type Native = Pick<ServerResponse, "writeHead" | "write" | "end" | "flushHeaders">;

/** Where a response keeps what holds it. */
const HELD = Symbol("holdfast");

interface Holding {
  [HELD]: HeldResponse;
}

/**
 * Holds the first byte of a response until what must come before it is done. Meanwhile the handler's calls are kept, `headersSent` stays
 * false (nothing was sent), and an answer with another status, an error page, takes the place of what was kept.
 *
 * Where the first byte is out already, `before` is called at once, and where all is out, `after` as well.
 *
 * The same four functions stand on every response: engines keep whatever a function of a response's own refers to until their next great
 * collection. Only a second hold of one response, which others may have changed in between, has functions of its own.
 */
export function holdFirstByte(res: ServerResponse, hooks: AnswerHooks): void {
  const other = (res as unknown as Partial<Holding>)[HELD];
  const held = new HeldResponse(res, hooks);
  if (res.writableEnded || other?.hasEnd) return held.miss();
  if (res.headersSent || other?.hasBegun) held.join();
  if (other) return put(res, boundTo(held));
  (res as unknown as Holding)[HELD] = held;
  put(res, SHARED);
}

function put(res: ServerResponse, { writeHead, write, end, flushHeaders }: Native): void {
  res.writeHead = writeHead;
  res.write = write;
  res.end = end;
  res.flushHeaders = flushHeaders;
}

const SHARED = {
  writeHead(this: Holding, ...args: HeadArguments) {
    return this[HELD].writeHead(args);
  },
  write(this: Holding, ...args: WriteArguments) {
    return this[HELD].write(args);
  },
  end(this: Holding, ...args: WriteArguments) {
    return this[HELD].end(args);
  },
  flushHeaders(this: Holding) {
    this[HELD].flushHeaders();
  },
} as unknown as Native;

function boundTo(held: HeldResponse): Native {
  const to = { [HELD]: held };
  const { writeHead, write, end, flushHeaders } = SHARED;
  return { writeHead: writeHead.bind(to as never), write: write.bind(to as never), end: end.bind(to as never), flushHeaders: flushHeaders.bind(to as never) };
}

class HeldResponse {
  readonly #res: ServerResponse;
  readonly #hooks: AnswerHooks;
  readonly #writeHeadNatively: Native["writeHead"];
  readonly #writeNatively: Native["write"];
  readonly #endNatively: Native["end"];
  readonly #flushNatively: Native["flushHeaders"];
  #state: "idle" | "held" | "open" | "failed" | "closed" = "idle";
  /** Calls of the handler while it is held. */
  #kept: (() => void)[] | undefined = undefined;
  #status = 200;
  #hasEnd = false;
  #isEnding = false;
  #isHandedOn = false;
  #owesDrain = false;

  constructor(res: ServerResponse, hooks: AnswerHooks) {
    this.#res = res;
    this.#hooks = hooks;
    this.#writeHeadNatively = res.writeHead;
    this.#writeNatively = res.write;
    this.#endNatively = res.end;
    this.#flushNatively = res.flushHeaders;
  }

  /** Whether the first byte was asked for. */
  get hasBegun(): boolean {
    return this.#state !== "idle";
  }

  /** Whether the handler is done with the answer. */
  get hasEnd(): boolean {
    return this.#hasEnd || this.#state === "closed";
  }

  /** Begins with an answer whose first byte is out. */
  join(): void {
    void this.#hooks.before();
    this.#state = "open";
    this.#awaitClose();
  }

  /** Comes when all is out. */
  miss(): void {
    void this.#hooks.before();
    void this.#hooks.after();
  }

  writeHead(args: HeadArguments): ServerResponse {
    if (this.#passes || this.#state === "closed") return this.#nativeHead(args);
    const [status, reason, headers] = args;
    this.#res.statusCode = status;
    if (typeof reason === "string" && !isHttp2(this.#res)) this.#res.statusMessage = reason;
    mergeHeaders(this.#res, headers ?? (typeof reason === "object" ? reason : undefined));
    this.#whenOpen(() => {});
    return this.#res;
  }

  flushHeaders(): void {
    if (this.#passes) return Reflect.apply(this.#flushNatively, this.#res, []);
    if (this.#state === "closed") return;
    this.#whenOpen(() => Reflect.apply(this.#flushNatively, this.#res, []));
  }

  write(args: WriteArguments): boolean {
    if (this.#passes || this.#isEnding) return this.#nativeWrite(args);
    if (this.#state === "closed") return false;
    let isTaken = false;
    this.#whenOpen(() => (isTaken = this.#owesDrain = this.#nativeWrite(args)));
    return isTaken;
  }

  end(args: WriteArguments): ServerResponse {
    const isFirst = this.#state === "idle";
    if (isFirst) this.#start(true);
    if (this.#state === "open") this.#finish(args);
    else if (this.#state === "held") this.#keepEnd(args);
    else if (!isFirst && this.#passes) this.#close(args);
    return this.#res;
  }

  #close(args: WriteArguments): void {
    this.#state = "closed";
    this.#nativeEnd(args);
  }

  /** A second end is no end, but where it is that of another answer. */
  #keepEnd(args: WriteArguments): void {
    if (this.#hasEnd && this.#res.statusCode === this.#status) return;
    this.#keep(() => this.#finish(args));
    this.#hasEnd = true;
  }

  get #passes(): boolean {
    return this.#state === "open" || this.#state === "failed" || this.#wasTakenBack;
  }

  /** Another middleware's hold took the whole answer from here and failed: the error page that comes now is not a second end. */
  get #wasTakenBack(): boolean {
    return this.#isHandedOn && !this.#res.writableEnded;
  }

  /** Does what the handler asks for, now or once it may; the first such call starts what must come before the first byte. */
  #whenOpen(call: () => void): void {
    if (this.#state === "idle") this.#start(false);
    if (this.#state === "held") return this.#keep(call);
    if (this.#state !== "open") return;
    call();
    this.#sendHead();
  }

  /** What must come before the first byte. Afterwards it is open, held or failed. */
  #start(isEnd: boolean): void {
    this.#state = "held";
    this.#status = this.#res.statusCode;
    const before = this.#hooks.before();
    if (before) before.then(() => this.#releaseLate(), (error: unknown) => this.#fail(error));
    else this.#release(isEnd);
  }

  #keep(call: () => void): void {
    if (this.#res.statusCode !== this.#status) {
      this.#status = this.#res.statusCode;
      this.#kept = undefined;
      this.#hasEnd = false;
    }
    (this.#kept ??= []).push(call);
  }

  /** Writes the headers; from here on everything passes. A body that does not end here may be broken off by the client. */
  #open(isEnd: boolean): void {
    this.#state = "open";
    this.#hasEnd = false;
    try {
      this.#hooks.headers();
    } catch (error) {
      return this.#fail(error);
    }
    if (!isEnd) this.#awaitClose();
  }

  /** The client may break off what has not ended. */
  #awaitClose(): void {
    this.#res.once("close", () => void this.#hooks.after()?.catch(() => {}));
  }

  /** Opens, and does what was kept. */
  #release(isEnd: boolean): void {
    const kept = this.#kept;
    this.#kept = undefined;
    this.#open(isEnd);
    if (!kept || this.#state !== "open") return;
    for (const call of kept) call();
    this.#sendHead();
  }

  /** Whoever was told to wait with the next piece is told to go on. */
  #releaseLate(): void {
    this.#release(this.#hasEnd);
    if (this.#owesDrain && !this.#res.writableEnded) this.#res.emit("drain");
  }

  /** The handler has asked for headers alone. */
  #sendHead(): void {
    if (!this.#res.headersSent && !this.#res.writableEnded) this.#nativeHead([this.#res.statusCode]);
  }

  #fail(error: unknown): void {
    this.#state = "failed";
    this.#kept = undefined;
    this.#hasEnd = false;
    clearAnswer(this.#res);
    this.#hooks.failed(error);
  }

  /** The last call: what changed during the body is stored before the client sees its end. */
  #finish(args: WriteArguments): void {
    this.#state = "closed";
    const after = this.#hooks.after();
    if (!after) return this.#nativeEnd(args);
    const { piece, rest } = split(args);
    if (piece) this.#nativeWrite(piece);
    after.then(
      () => this.#nativeEnd(rest),
      () => void this.#res.destroy(),
    );
  }

  /** Node itself calls writeHead for headers that go out with the body. */
  #nativeHead(args: HeadArguments): ServerResponse {
    if (this.#res.headersSent && this.#state === "closed") return this.#res;
    return Reflect.apply(this.#writeHeadNatively, this.#res, args) as ServerResponse;
  }

  #nativeWrite(args: WriteArguments): boolean {
    return Reflect.apply(this.#writeNatively, this.#res, args) as boolean;
  }

  /** The `end` of HTTP/2, and of a response that is only simulated, hands the last piece to the `write` that stands on the response. */
  #nativeEnd(args: WriteArguments): void {
    this.#isEnding = true;
    Reflect.apply(this.#endNatively, this.#res, args);
    this.#isEnding = false;
    this.#isHandedOn = true;
  }
}

/** The last piece of a body, and what else `end` was given. */
function split(args: WriteArguments): { piece?: WriteArguments; rest: WriteArguments } {
  const [chunk, encoding] = args;
  const rest = args.filter((one): one is () => void => typeof one === "function").slice(0, 1) as WriteArguments;
  if (!chunk || typeof chunk === "function") return { rest };
  return { piece: typeof encoding === "string" ? [chunk, encoding] : [chunk], rest };
}

/** Removes status, headers and all of an answer that did not begin. */
export function clearAnswer(res: ServerResponse): void {
  if (res.headersSent) return;
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  res.statusCode = 200;
  if (!isHttp2(res)) res.statusMessage = "";
}

/** HTTP/2 has no status message, and warns of every use. */
function isHttp2(res: ServerResponse): boolean {
  return "stream" in res;
}

/** Headers given to writeHead replace those set before, as Node does it; an array may name a header several times. */
function mergeHeaders(res: ServerResponse, headers: HeadHeaders | undefined): void {
  if (!headers) return;
  if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) res.setHeader(name, value);
    return;
  }
  const flat = headers.flat() as string[];
  const names = flat.filter((_, i) => i % 2 === 0);
  for (const name of names) res.removeHeader(name);
  for (const [i, name] of names.entries()) res.appendHeader(name, String(flat[i * 2 + 1]));
}
