import { andThen } from "../util/async.js";
import { isForm, MOST_BYTES, urlencodedFields, type Fields } from "./form.js";
import type { Begun } from "./live-body.js";
import type { Outgoing } from "./outgoing.js";
import { RuntimeOutgoing } from "./runtime-outgoing.js";
import { madeFrom, madeOnNode, ServerOutgoing, type MadeFrom } from "./server-outgoing.js";
import { isHandshake, type ResponseHeaders, type RequestView } from "./request-view.js";

/** View of a web `Request`. */
export class WebView implements RequestView {
  readonly context: unknown;
  /** Read immediately: Deno closes a request when its connection becomes a socket. */
  readonly isUpgrade: boolean;
  readonly #request: Request;

  constructor(request: Request, context: unknown = request, isUpgrade?: boolean) {
    this.#request = request;
    this.context = context;
    this.isUpgrade = isUpgrade ?? isHandshake(this);
  }

  get cookies(): string | undefined {
    return this.#request.headers.get("cookie") ?? undefined;
  }

  get url(): string {
    return this.#request.url.replace(/^[^/?]*\/\/[^/?]*/, "");
  }

  get encrypted(): boolean {
    return this.#request.url.startsWith("https:");
  }

  /** Implements `RequestView`. */
  headers(name: string): readonly string[] {
    const value = this.#request.headers.get(name);
    if (value !== null) return [value];
    return name === "host" ? [new URL(this.#request.url).host] : [];
  }

  /** Implements `RequestView`. */
  param(_name: string): string | undefined {
    return undefined;
  }

  /** Implements `RequestView`. */
  form(): Promise<Fields | undefined> {
    return webForm(this.#request);
  }
}

/** The fields of a URL-encoded body; the handler can still read the request's own body. */
async function webForm(request: Request): Promise<Fields | undefined> {
  if (!isForm(request.headers.get("content-type") ?? undefined) || request.bodyUsed) return undefined;
  const body = request.clone().body;
  const text = body && (await shortText(body).catch(() => undefined));
  return text ? urlencodedFields(text) : undefined;
}

/** Reads a whole body as a string; returns undefined if it is too long. */
async function shortText(body: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let length = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    length += value.length;
    if (length > MOST_BYTES) return void reader.cancel().catch(() => {});
    text += decoder.decode(value, { stream: true });
  }
}

/** Web `Headers` of a response. */
export class WebHeaders implements ResponseHeaders {
  readonly #headers: Headers;

  constructor(headers: Headers) {
    this.#headers = headers;
  }

  /** Implements `ResponseHeaders`. */
  names(): readonly string[] {
    return [...this.#headers.keys()];
  }

  /** Implements `ResponseHeaders`. */
  get(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined;
  }

  /** Implements `ResponseHeaders`. */
  set(name: string, value: string): void {
    this.#headers.set(name, value);
  }

  /** Implements `ResponseHeaders`. */
  cookies(): readonly string[] {
    return this.#headers.getSetCookie();
  }

  /** Implements `ResponseHeaders`. */
  setCookies(lines: readonly string[]): void {
    this.#headers.delete("Set-Cookie");
    for (const line of lines) this.#headers.append("Set-Cookie", line);
  }
}

/**
 * True for a response: of this runtime, of a server or of another package. It reads nothing of an instance of the
 * global class: that could change how it is sent.
 *
 * @param value - any value
 * @returns true for a response
 * @example
 * ```ts
 * if (isResponse(thrown)) return thrown;
 * ```
 */
export function isResponse(value: unknown): value is Response {
  if (value instanceof Response) return true;
  const { status, headers } = (typeof value === "object" && value !== null ? value : {}) as Partial<Response>;
  return typeof status === "number" && typeof headers?.get === "function";
}

/** What is done around a response. Undefined means that there is nothing to wait for. */
export interface ResponseHooks {
  /**
   * Called before the response. `canCarry` is false if it cannot carry a token; `headers` are those set by the
   * handler.
   *
   * @param canCarry - whether a header can be sent
   * @param headers - those of the handler's response
   * @returns undefined if there is nothing to wait for
   */
  commit(canCarry: boolean, headers?: ResponseHeaders): Promise<void> | undefined;
  /** True if the handler may still change the session while the body is sent. */
  readonly mayChange: boolean;
  /**
   * Called before the end of the body, or when its reader cancels.
   *
   * @returns undefined if there is nothing to wait for
   */
  finish(): Promise<void> | undefined;
  /**
   * Adds the last headers.
   *
   * @param headers - those of the response
   */
  writeHeaders(headers: ResponseHeaders): void;
}

type Sent<R> = R | Response | Promise<R | Response>;

/**
 * Returns the response to send instead of `response`, after the session is stored. A response that hands the
 * connection over (101), an error (status 0) and undefined carry no cookie.
 *
 * @param request - the request
 * @param response - the response of the handler
 * @param hooks - the session of the request
 * @param passesBody - true if a copy gets the stream of the response instead of a clone's, because the framework knows
 *   its responses by their streams; then no Response with a body can be returned twice
 * @returns the response to send, or a promise of it
 * @throws {SessionError} if the session cannot be stored
 * @example
 * ```ts
 * return responseWith(event.request, await next(), requestSession);
 * ```
 */
export function responseWith<R extends Response | undefined>(
  request: Request,
  response: R,
  hooks: ResponseHooks,
  passesBody: boolean = false,
): Sent<R> {
  const out = response && outgoing(request, response, passesBody);
  if (!out || !isSent(out.status)) return andThen(hooks.commit(false), () => andThen(hooks.finish(), () => response));
  return andThen(hooks.commit(true, out), () => {
    const live = hooks.mayChange && request.method !== "HEAD" ? out.live() : undefined;
    return andThen(live, (read) => (read ? endedLate(out, read, hooks) : ended(out, hooks)));
  });
}

/** False for 101 and errors; a server's class may have an invalid status, which fails later. */
function isSent(status: number): boolean {
  return status >= 200 && status <= 599;
}

/**
 * True if an upgrade was accepted. Some runtimes need an empty response after they have sent the 101 themselves.
 *
 * @param response - the response of the handler
 * @returns true if the connection is a socket now
 * @example
 * ```ts
 * if (requestSession.view.isUpgrade && isHandedOver(response)) await requestSession.handOver();
 * ```
 */
export function isHandedOver(response: Response | undefined): boolean {
  return response === undefined || response.status === 101 || (response.status === 200 && response.body === null);
}

function outgoing(request: Request, response: Response, passesBody: boolean): Outgoing {
  const made = madeFrom(response) ?? madeOnNode(response) ?? (passesBody ? partsOf(response) : undefined);
  return made ? new ServerOutgoing(response, made) : new RuntimeOutgoing(request, response);
}

/** Not the response itself: its properties are getters of its class. */
function partsOf({ status, statusText, body, headers }: Response): MadeFrom {
  return { status, statusText, body, headers };
}

function ended(out: Outgoing, hooks: ResponseHooks): Response | Promise<Response> {
  return andThen(hooks.finish(), () => {
    hooks.writeHeaders(out);
    return out.whole();
  });
}

function endedLate(out: Outgoing, read: Begun, hooks: ResponseHooks): Response {
  hooks.writeHeaders(out);
  return out.endingAfter(read, () => hooks.finish());
}
