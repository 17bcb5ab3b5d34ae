import type { IncomingHttpHeaders } from "node:http";

/** What a client sends. */
export interface Sent {
  method?: string;
  headers?: Record<string, string | string[]>;
  /** Sent url-encoded. */
  form?: Record<string, string>;
  body?: string;
}

/** What a client received. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The Set-Cookie lines. */
  readonly setCookies: readonly string[];
  readonly body: string;
  /** The body, read as JSON. */
  json(): any;
  /** The Set-Cookie line of a name. */
  cookie(name: string): string | undefined;
}

/** An answer whose body is still on its way. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly setCookies: readonly string[];
  /** What came so far. */
  readonly received: string;
  /** Waits until the body so far holds this text. */
  holds(text: string): Promise<void>;
  /** Waits for the end of the body. */
  end(): Promise<string>;
  /** Hangs up. */
  abort(): void;
}

/** A client with a cookie jar, as a browser keeps one: a cookie with Max-Age 0 is removed. */
export abstract class JarClient {
  readonly cookies = new Map<string, string>();
  readonly origin: string;

  constructor(origin: string) {
    this.origin = origin;
  }

  /** Sends a request and waits for the whole answer. */
  abstract send(path: string, sent?: Sent): Promise<Answer>;

  /** Sends a request and goes on as soon as the head of the answer is there. */
  abstract open(path: string, sent?: Sent): Promise<OpenAnswer>;

  get(path: string, sent: Sent = {}): Promise<Answer> {
    return this.send(path, sent);
  }

  post(path: string, sent: Sent = {}): Promise<Answer> {
    return this.send(path, { method: "POST", ...sent });
  }

  /** Sends a request, follows its redirect with the jar as it is then. */
  async follow(path: string, sent: Sent = {}): Promise<Answer> {
    const answer = await this.send(path, sent);
    const { location } = answer.headers;
    return location === undefined ? answer : this.send(new URL(location, this.origin).pathname);
  }

  /** The Cookie header this client sends. */
  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}

/** Takes Set-Cookie lines into a jar. */
export function keep(jar: Map<string, string>, lines: readonly string[]): void {
  for (const line of lines) {
    const [pair = "", ...attributes] = line.split(";");
    const at = pair.indexOf("=");
    const isGone = attributes.some((attribute) => /^\s*max-age=0$/i.test(attribute));
    if (isGone) jar.delete(pair.slice(0, at));
    else jar.set(pair.slice(0, at), pair.slice(at + 1));
  }
}
