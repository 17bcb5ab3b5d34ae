/** A response, as far as the adapter suite looks at it. */
export interface Received {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  /** Set-Cookie lines of the session, those that remove it included. */
  readonly cookies: readonly string[];
}

/** A client with cookies, of the application under test. */
export class AdapterClient {
  readonly #origin: string;
  readonly #cookieName: string;
  /** The token that it sends. */
  token: string | undefined = undefined;

  constructor(origin: string, cookieName: string) {
    this.#origin = origin;
    this.#cookieName = cookieName;
  }

  /** Another client with the same cookie, as after a copy. */
  copy(): AdapterClient {
    const other = new AdapterClient(this.#origin, this.#cookieName);
    other.token = this.token;
    return other;
  }

  get(path: string): Promise<Received> {
    return this.#send(path, { method: "GET" });
  }

  /** Submits a form. */
  post(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Received> {
    return this.#send(path, { method: "POST", body: new URLSearchParams(fields) });
  }

  async #send(path: string, init: RequestInit): Promise<Received> {
    // What browsers send with a form: SvelteKit redirects only if HTML is accepted.
    const headers = new Headers({ Origin: new URL(this.#origin).origin, Accept: "text/html,*/*;q=0.8" });
    if (this.token !== undefined) headers.set("Cookie", `${this.#cookieName}=${this.token}`);
    const response = await fetch(`${this.#origin}${path}`, { ...init, headers, redirect: "manual" });
    const text = await response.text();
    const cookies = response.headers.getSetCookie().filter((line) => line.startsWith(`${this.#cookieName}=`));
    for (const line of cookies) this.#keep(line);
    return { status: response.status, text, headers: response.headers, cookies };
  }

  #keep(line: string): void {
    const value = line.slice(this.#cookieName.length + 1).split(";", 1)[0]!;
    this.token = value === "" || /;\s*Max-Age=0\b/i.test(line) ? undefined : value;
  }
}
