import type { Recorder } from "./recorder.js";

/** What a visitor got. */
export interface Got {
  /** 0 if the connection was closed before a response came. */
  readonly status: number;
  readonly body: string;
}

/** How a visitor reaches one application. */
export interface Line {
  readonly origin: string;
  readonly recorder: Recorder;
  /** The key in the storage of the session that a cookie belongs to. */
  keyOf(cookie: string): string;
  /** The number of the next request. */
  next(): number;
}

/** A client with the one cookie of its session, as a browser would keep it. */
export class Visitor {
  readonly #line: Line;
  /** `name=value`. */
  #cookie: string | undefined;
  readonly #isShown: boolean;

  /** @param isShown - whether the timeline shows which cookie this one holds */
  constructor(line: Line, isShown: boolean, cookie?: string) {
    this.#line = line;
    this.#isShown = isShown;
    this.#cookie = cookie;
  }

  /** Somebody who has copied the cookie. */
  copy(): Visitor {
    return new Visitor(this.#line, false, this.#cookie);
  }

  /** Sends a request. `note`: what the timeline says of it. */
  async ask(method: "GET" | "POST", path: string, note?: string): Promise<Got> {
    const { recorder, origin } = this.#line;
    const id = this.#line.next();
    const sends = this.#cookie === undefined ? undefined : this.#nameOf(this.#cookie);
    recorder.tell({
      is: "request",
      id,
      label: `${method} ${path}`,
      ...(note !== undefined && { note }),
      ...(sends !== undefined && { sends }),
    });
    const headers = { "x-request": String(id), ...(this.#cookie !== undefined && { cookie: this.#cookie }) };
    try {
      const response = await fetch(new URL(path, origin), { method, headers });
      const body = await response.text();
      this.#receive(id, response);
      return { status: response.status, body };
    } catch {
      recorder.tell({ is: "response", id, status: 0 });
      return { status: 0, body: "" };
    }
  }

  #receive(id: number, { status, headers }: Response): void {
    const { recorder } = this.#line;
    const [line] = headers.getSetCookie();
    if (line === undefined) return recorder.tell({ is: "response", id, status });
    this.#cookie = isRemoval(line) ? undefined : line.split(";", 1)[0];
    const holds = this.#cookie === undefined ? null : this.#nameOf(this.#cookie);
    recorder.tell({ is: "response", id, status, sets: holds });
    if (this.#isShown) recorder.tell({ is: "cookie", holds });
  }

  #nameOf(cookie: string): string {
    return this.#line.recorder.nameOf(this.#line.keyOf(cookie.slice(cookie.indexOf("=") + 1)));
  }
}

function isRemoval(line: string): boolean {
  return /;\s*max-age=0\s*(;|$)/i.test(line) || /;\s*expires=[^;]* 1970 /i.test(line);
}
