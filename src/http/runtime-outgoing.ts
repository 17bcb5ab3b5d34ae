import { andThen } from "../util/async.js";
import { begun, ending, untouched, type Begun } from "./live-body.js";
import { Outgoing } from "./outgoing.js";
import { isReplaced, responseClass, runtime, type BodyKind } from "./runtime.js";

type Body = ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null;

/**
 * Bytes of responses that were read. A server may send the value that a response was created from, which is empty
 * after reading.
 */
const readBytes = new WeakMap<Response, Uint8Array<ArrayBuffer>>();

/** Responses that had to be changed themselves: the request, and the headers before. */
const changed = new WeakMap<Response, { readonly request: Request; readonly headers: Headers }>();

/** A response of one of the runtime's classes. */
export class RuntimeOutgoing extends Outgoing {
  readonly #request: Request;
  readonly #response: Response;
  /** Headers of a server's class, which may lose changes when anything else is read. */
  #kept: Headers | undefined;
  #kindSeen: BodyKind | undefined;
  #wasRead = false;

  constructor(request: Request, response: Response) {
    super();
    this.#request = request;
    this.#response = response;
    const before = changed.get(response);
    if (before && before.request !== request) changeBack(response.headers, before.headers);
  }

  get status(): number {
    return this.#response.status;
  }

  protected headerNames(): readonly string[] {
    return [...this.#headers.keys()];
  }

  protected header(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined;
  }

  protected cookieLines(): readonly string[] {
    return this.#headers.getSetCookie();
  }

  async live(): Promise<Begun | undefined> {
    this.#keep();
    if (this.#kind === "whole" || this.#isFetched || this.#isEncoded) return undefined;
    if (this.header("content-length") !== undefined) return undefined;
    return runtime().passesBodies ? untouched(this.#response.body!) : this.#readClone();
  }

  whole(): Response | Promise<Response> {
    if (this.hasChanged) this.#keep();
    const bytes = readBytes.get(this.#response);
    if (bytes) return this.#madeOf(() => bytes);
    if (!this.hasChanged && !this.#kept) return this.#response;
    if (this.#isEncoded) return this.#changed();
    const kind = this.#kind;
    if (kind === "stream" || runtime().passesBodies) return this.#madeOf(() => this.#response.body);
    if (kind === "whole") return andThen(runtime().impliedType?.(this.#response), (type) => this.#copy(type));
    return this.#wasRead ? this.#copy() : this.#afterReading();
  }

  endingAfter(read: Begun, after: () => Promise<void> | undefined): Response {
    return this.#madeOf(() => ending(read, after));
  }

  async #afterReading(): Promise<Response> {
    const read = await this.#readClone();
    return read ? this.endingAfter(read, () => undefined) : this.whole();
  }

  /** Reads a clone: the original stays unread, for other requests. */
  async #readClone(): Promise<Begun | undefined> {
    this.#wasRead = true;
    this.#kindSeen = undefined;
    if (readBytes.has(this.#response)) return undefined;
    const copy = this.#response.clone();
    if (runtime().kindOf(copy) === "whole" || copy.body === null) return undefined;
    const read = await begun(copy.body);
    if (!read.isWhole) {
      void this.#response.body?.cancel().catch(() => {});
      return read;
    }
    const [bytes, ...more] = read.pieces as Uint8Array<ArrayBuffer>[];
    if (runtime().passesBytes && bytes && more.length === 0) readBytes.set(this.#response, bytes);
    return undefined;
  }

  #keep(): void {
    if (isReplaced() && this.#response instanceof globalThis.Response) this.#kept ??= this.#response.headers;
  }

  get #headers(): Headers {
    this.#keep();
    return this.#kept ?? this.#response.headers;
  }

  get #kind(): BodyKind {
    return (this.#kindSeen ??= this.#isFetched ? "stream" : runtime().kindOf(this.#response));
  }

  /** A response fetched from another server was not produced by the handler. */
  get #isFetched(): boolean {
    return this.#response.url !== "";
  }

  /** True if no copy can be made: it is unknown whether the runtime compresses the body or the handler did. */
  get #isEncoded(): boolean {
    return runtime().encodesAgain === true && !this.#isFetched && this.header("content-encoding") !== undefined;
  }

  /**
   * The response itself, with changed headers until it is returned for another request. It has a body, so it is sent
   * once.
   */
  #changed(): Response {
    const headers = new Headers(this.#response.headers);
    try {
      this.change(this.#response.headers);
    } catch {
      return this.#madeOf(() => this.#response.body);
    }
    changed.set(this.#response, { request: this.#request, headers });
    return this.#response;
  }

  #copy(type?: string): Response {
    if (type !== undefined) this.set("content-type", type);
    const copy = this.#response.clone();
    try {
      if (this.#kept) changeBack(copy.headers, this.#kept);
      this.change(copy.headers);
      return copy;
    } catch {
      // The headers of a redirect are immutable.
      return this.#madeOf(() => copy.body);
    }
  }

  #madeOf(body: () => Body): Response {
    const { status, statusText } = this.#response;
    const init = runtime().passesBodies ? this.#response : { headers: this.#headers, status, statusText };
    const made = new (responseClass())(body(), init);
    this.change(made.headers);
    return made;
  }
}

function changeBack(headers: Headers, before: Headers): void {
  const names = [...headers.keys()];
  for (const name of names) headers.delete(name);
  for (const [name, value] of before) headers.append(name, value);
}
