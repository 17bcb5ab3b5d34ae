import type { Begun } from "./live-body.js";
import type { ResponseHeaders } from "./request-view.js";

/**
 * A response before it is sent, with changes to its headers. The handler's response itself is not changed: an
 * application may return one object for many requests, and other clients would get the cookie. If there is a change, a
 * copy is sent. Its body has the same form as the original's, so type, length and ranges are kept.
 */
export abstract class Outgoing implements ResponseHeaders {
  protected readonly changes: Map<string, string> = new Map();
  protected ownCookies: readonly string[] | undefined;

  abstract readonly status: number;

  /**
   * The first part of a body that may still be produced; undefined if all of it is available, or its length is known.
   */
  abstract live(): Begun | undefined | Promise<Begun | undefined>;

  /** The response to send if all of the body is available. */
  abstract whole(): Response | Promise<Response>;

  /** The response to send if it is not: `after` runs before the end of the body. */
  abstract endingAfter(read: Begun, after: () => Promise<void> | undefined): Response;

  protected abstract headerNames(): readonly string[];

  protected abstract header(name: string): string | undefined;

  protected abstract cookieLines(): readonly string[];

  protected get hasChanged(): boolean {
    return this.changes.size > 0 || this.ownCookies !== undefined;
  }

  names(): readonly string[] {
    return [...this.headerNames(), ...this.changes.keys()];
  }

  get(name: string): string | undefined {
    return this.changes.get(name.toLowerCase()) ?? this.header(name);
  }

  set(name: string, value: string): void {
    this.changes.set(name.toLowerCase(), value);
  }

  cookies(): readonly string[] {
    return this.ownCookies ?? this.cookieLines();
  }

  setCookies(lines: readonly string[]): void {
    this.ownCookies = lines;
  }

  /** Applies the changes. */
  protected change(headers: Headers): void {
    for (const [name, value] of this.changes) headers.set(name, value);
    if (!this.ownCookies) return;
    headers.delete("set-cookie");
    for (const line of this.ownCookies) headers.append("set-cookie", line);
  }
}
