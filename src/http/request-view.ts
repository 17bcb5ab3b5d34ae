import type { Awaitable } from "../contracts/storage.js";

/** What the library reads of a request, in every framework. Each adapter creates one. */
export interface RequestView {
  /**
   * Returns all values of a header, or an empty list. Runtimes that join repeated headers return one value, with
   * commas.
   *
   * @param name - lower-case name of the header
   * @returns the values
   */
  headers(name: string): readonly string[];
  /** The Cookie header, its lines joined with `; `. */
  readonly cookies: string | undefined;
  /** Path and query, as sent. */
  readonly url: string;
  /** True if the connection to this process uses TLS. */
  readonly encrypted: boolean;
  /** HTTP version of that connection, like `1.1`, if the runtime reports it. */
  readonly version?: string | undefined;
  /** True if the request asks to become a socket: then no response can carry a token. */
  readonly isUpgrade?: boolean;
  /**
   * Returns a route parameter, if the framework has routes.
   *
   * @param name - name of the parameter
   * @returns its value, or undefined
   */
  param(name: string): string | undefined;
  /**
   * Returns the fields of a URL-encoded body, or of the body that the framework parsed; the handler can still read it.
   *
   * @returns the fields, or undefined
   */
  form(): Awaitable<ReadonlyMap<string, unknown> | undefined>;
  /** The context of the framework, for custom extractors. */
  readonly context: unknown;
}

/** The headers of a response that has not begun. */
export interface ResponseHeaders {
  /**
   * Lists the headers.
   *
   * @returns the names of all headers, in any case
   */
  names(): readonly string[];
  /**
   * Returns a header.
   *
   * @param name - its name, in any case
   * @returns its value, or undefined
   */
  get(name: string): string | undefined;
  /**
   * Replaces a header.
   *
   * @param name - its name
   * @param value - its value
   */
  set(name: string, value: string): void;
  /**
   * Lists the cookies.
   *
   * @returns every Set-Cookie line so far
   */
  cookies(): readonly string[];
  /**
   * Replaces the Set-Cookie lines.
   *
   * @param lines - all of them
   */
  setCookies(lines: readonly string[]): void;
}

/** Returns the first value of a header. */
export function header(view: Pick<RequestView, "headers">, name: string): string | undefined {
  return view.headers(name)[0];
}

/** Returns the values of a query parameter, decoded once. */
export function queryValues(view: RequestView, name: string): readonly string[] {
  const at = view.url.indexOf("?");
  return at === -1 ? [] : new URLSearchParams(view.url.slice(at + 1)).getAll(name);
}

/** True for the headers of a WebSocket handshake (RFC 6455, 4.1), if the runtime does not report upgrades. */
export function isHandshake(view: Pick<RequestView, "headers">): boolean {
  return header(view, "upgrade")?.toLowerCase() === "websocket" && header(view, "sec-websocket-key") !== undefined;
}
