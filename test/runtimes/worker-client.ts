/**
 * Takes the place of `support/client.js` inside a Worker: the same calls, and the application's handler is called
 * where a connection would be opened. What is about the connection itself is left out, and says so.
 */
import { JarClient, keep, type Answer, type OpenAnswer, type Sent } from "../support/jar-client.js";
import { until, within } from "../support/within.js";
import { HANDLERS, needed } from "./worker-apps.js";

export const begin = needed;
export const overHttp2 = needed;
export const parsed = needed;

/** There is none: whoever makes one is left out. */
export class RawConnection {
  constructor() {
    needed();
  }
}

export class Client extends JarClient {
  async send(path: string, sent: Sent = {}): Promise<Answer> {
    const response = await this.#ask(path, sent);
    const body = sent.method === "HEAD" ? "" : await within(3000, `the body of ${path}`, response.text());
    const head = headOf(response);
    const cookie = (name: string): string | undefined => head.setCookies.find((line) => line.startsWith(`${name}=`));
    return { ...head, body, json: () => JSON.parse(body), cookie };
  }

  async open(path: string, sent: Sent = {}): Promise<OpenAnswer> {
    return new Opened(await this.#ask(path, sent));
  }

  async #ask(path: string, { method = "GET", headers = {}, form, body }: Sent): Promise<Response> {
    const all = new Headers(this.cookies.size > 0 ? { cookie: this.cookieHeader } : {});
    // Every request that comes to a Worker from outside has it.
    all.set("host", new URL(this.origin).host);
    for (const [name, value] of Object.entries(headers)) for (const one of [value].flat()) all.append(name, one);
    const content = form ? new URLSearchParams(form).toString() : body;
    if (form) all.set("content-type", "application/x-www-form-urlencoded");
    if (typeof content === "string") all.set("content-length", String(new TextEncoder().encode(content).length));
    const request = new Request(new URL(path, this.origin), {
      method,
      headers: all,
      ...(content && { body: content }),
    });
    const response = await within(3000, `the answer of ${path}`, answered(HANDLERS.get(this.origin)!, request));
    keep(this.cookies, response.headers.getSetCookie());
    return response;
  }
}

/** What a runtime does of a handler that throws. */
async function answered(handler: (request: Request) => unknown, request: Request): Promise<Response> {
  try {
    return (await handler(request)) as Response;
  } catch (error) {
    return new Response("sorry", { status: (error as { status?: number }).status ?? 500 });
  }
}

function headOf({ status, headers }: Response): Pick<Answer, "status" | "headers" | "setCookies"> {
  const setCookies = headers.getSetCookie();
  const all = { ...Object.fromEntries(headers), ...(setCookies.length > 0 && { "set-cookie": setCookies }) };
  return { status, headers: all, setCookies };
}

class Opened implements OpenAnswer {
  readonly status: number;
  readonly headers: Answer["headers"];
  readonly setCookies: readonly string[];
  received = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #ended: Promise<void>;

  constructor(response: Response) {
    const { status, headers, setCookies } = headOf(response);
    this.status = status;
    this.headers = headers;
    this.setCookies = setCookies;
    this.#reader = response.body!.getReader();
    this.#ended = this.#read();
    this.#ended.catch(() => {});
  }

  holds(text: string): Promise<void> {
    return until(`"${text}" in the body`, () => this.received.includes(text));
  }

  async end(): Promise<string> {
    await within(3000, "the end of the body", this.#ended);
    return this.received;
  }

  abort(): void {
    void this.#reader.cancel().catch(() => {});
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for (let piece = await this.#reader.read(); !piece.done; piece = await this.#reader.read()) {
      this.received += decoder.decode(piece.value, { stream: true });
    }
  }
}
