import type { IncomingMessage, ServerResponse } from "node:http";
import { nodeForm, type Fields } from "./form.js";
import { isFast, read, readSlow } from "../util/request-objects.js";
import { isHandshake, type ResponseHeaders, type RequestView } from "./request-view.js";

const NO_VALUES: readonly string[] = [];

/** View of a Node request (HTTP/1, or HTTP/2's compatibility API). */
export class NodeView implements RequestView {
  readonly context: unknown;
  readonly #req: IncomingMessage;

  constructor(req: IncomingMessage, context: unknown = req) {
    this.#req = req;
    this.context = context;
  }

  get cookies(): string | undefined {
    return this.#all.cookie;
  }

  get url(): string {
    return read(this.#req, "url") ?? "/";
  }

  get encrypted(): boolean {
    return (read(this.#req, "socket") as { encrypted?: boolean }).encrypted === true;
  }

  get version(): string {
    return read(this.#req, "httpVersion");
  }

  /** Node sets it for each request, depending on whether the server has an upgrade listener. */
  get isUpgrade(): boolean {
    return read(this.#req as { upgrade?: boolean }, "upgrade") ?? isHandshake(this);
  }

  get #all(): IncomingMessage["headers"] {
    return isFast(this.#req) ? this.#req.headers : readSlow(this.#req, "headers");
  }

  /** Implements `RequestView`. */
  headers(name: string): readonly string[] {
    const headers = this.#all;
    if (name === "host") return [headers.host ?? (headers[":authority"] as string | undefined) ?? ""];
    const value = headers[name];
    if (value === undefined) return NO_VALUES;
    const rawHeaders = read(this.#req, "rawHeaders");
    const sent = rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name);
    // Requests of serverless functions may have no raw headers.
    return sent.length > 0 ? sent : [value].flat();
  }

  /** Implements `RequestView`. */
  param(name: string): string | undefined {
    return (this.#req as { params?: Record<string, string> }).params?.[name];
  }

  /** Implements `RequestView`. */
  form(): Promise<Fields | undefined> {
    return nodeForm(this.#req);
  }
}

/** The headers of a Node response that has not begun. */
export class NodeHeaders implements ResponseHeaders {
  readonly #res: ServerResponse;

  constructor(res: ServerResponse) {
    this.#res = res;
  }

  /** Implements `ResponseHeaders`. */
  names(): readonly string[] {
    return (this.#res as Partial<ServerResponse>).getHeaderNames?.() ?? [];
  }

  /** Implements `ResponseHeaders`. */
  get(name: string): string | undefined {
    const value = this.#res.getHeader(name);
    return Array.isArray(value) ? value.join(", ") : value?.toString();
  }

  /** Implements `ResponseHeaders`. */
  set(name: string, value: string): void {
    this.#res.setHeader(name, value);
  }

  /** Implements `ResponseHeaders`. */
  cookies(): readonly string[] {
    const value = this.#res.getHeader("Set-Cookie");
    return Array.isArray(value) ? value : value === undefined ? [] : [String(value)];
  }

  /** Implements `ResponseHeaders`. */
  setCookies(lines: readonly string[]): void {
    this.#res.setHeader(this.#cookieName, [...lines]);
  }

  /** In the spelling of the application. */
  get #cookieName(): string {
    const res = this.#res as ServerResponse & { getRawHeaderNames?(): string[] };
    const names = res.hasHeader("Set-Cookie") ? res.getRawHeaderNames?.() : undefined;
    return names?.find((name) => name.toLowerCase() === "set-cookie") ?? "Set-Cookie";
  }
}
