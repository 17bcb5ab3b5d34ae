/** A browser's cookies and forms without a browser: for pages that must work without script. */
export class WebClient {
  readonly #origin: string;
  readonly #cookies = new Map<string, string>();

  /** @param origin - with the path that all its paths begin with */
  constructor(origin: string) {
    this.#origin = origin;
  }

  /** The value of a cookie. */
  cookie(name: string): string | undefined {
    return this.#cookies.get(name);
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Page> {
    return this.#send(path, { headers });
  }

  /** Submits a form of URL-encoded fields. */
  async post(
    path: string,
    fields: Readonly<Record<string, string>> = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Page> {
    return this.#send(path, { method: "POST", body: new URLSearchParams(fields), headers });
  }

  /** Sends a query of GraphQL. */
  async query(path: string, query: string): Promise<Page> {
    const headers = { "Content-Type": "application/json" };
    return this.#send(path, { method: "POST", headers, body: JSON.stringify({ query }) });
  }

  /** Submits a form of a page as a browser without script does, with its hidden fields. */
  async submit(
    path: string,
    { text }: Page,
    id: string,
    fields: Readonly<Record<string, string>> = {},
  ): Promise<Page> {
    const form = new RegExp(`<form[^>]*id="${id}"[^>]*>(.*?)</form>`, "s").exec(text)?.[1];
    if (form === undefined) throw new Error(`the page has no form ${id}`);
    const body = new FormData();
    for (const [input] of form.matchAll(/<input[^>]*type="hidden"[^>]*>/g))
      body.append(attribute(input, "name"), attribute(input, "value"));
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    return this.#send(path, { method: "POST", body });
  }

  async #send(path: string, init: RequestInit): Promise<Page> {
    const headers = new Headers(init.headers);
    headers.set("Origin", new URL(this.#origin).origin);
    if (this.#cookies.size > 0) headers.set("Cookie", [...this.#cookies].map((pair) => pair.join("=")).join("; "));
    const response = await fetch(`${this.#origin}${path}`, { ...init, headers, redirect: "manual" });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  #keep(line: string): void {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === "" || /;\s*Max-Age=0\b/i.test(line)) this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}

/** A response. */
export interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

function attribute(tag: string, name: string): string {
  const value = new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
  return value.replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}
