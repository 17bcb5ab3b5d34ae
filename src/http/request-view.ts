import type { Awaitable } from "../contracts/storage.js";

/** What the library reads of a request, whatever the framework. Each adapter builds one. */
export interface RequestView {
  /**
   * All values of a header, by its lower-case name; none where it was not sent. A runtime that joins repeated headers
   * answers one, with commas.
   */
  headers(name: string): readonly string[];
  /** The Cookie header, its lines joined with `; `. */
  readonly cookies: string | undefined;
  /** Path and query, as sent. */
  readonly url: string;
  /** Whether the connection to this process is TLS. */
  readonly encrypted: boolean;
  /** The version of HTTP on that connection, like `1.1`, where the runtime tells. */
  readonly version?: string | undefined;
  /** Whether the request asks for its connection to become a socket: then no answer brings a token. */
  readonly isUpgrade?: boolean;
  /** A route parameter, where the framework has routes. */
  param(name: string): string | undefined;
  /** The fields of a url-encoded body, or what the framework parsed; the handler can still read the body. */
  form(): Awaitable<ReadonlyMap<string, unknown> | undefined>;
  /** The framework's own context, for custom extractors. */
  readonly context: unknown;
}

/** The headers of an answer that has not begun. */
export interface AnswerHeaders {
  /** The names of all that are set, in any case. */
  names(): readonly string[];
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  /** Every Set-Cookie line so far. */
  cookies(): readonly string[];
  setCookies(lines: readonly string[]): void;
}

/** The first value of a header. */
export function header(view: Pick<RequestView, "headers">, name: string): string | undefined {
  return view.headers(name)[0];
}

/** Values of a query parameter, decoded once. */
export function queryValues(view: RequestView, name: string): readonly string[] {
  const at = view.url.indexOf("?");
  return at === -1 ? [] : new URLSearchParams(view.url.slice(at + 1)).getAll(name);
}

/**
 * Whether these are the headers of a WebSocket's handshake (RFC 6455, 4.1), where the runtime does not say what
 * becomes of the connection.
 */
export function isHandshake(view: Pick<RequestView, "headers">): boolean {
  return header(view, "upgrade")?.toLowerCase() === "websocket" && header(view, "sec-websocket-key") !== undefined;
}
