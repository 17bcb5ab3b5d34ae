import { isForm, MOST_BYTES, urlencodedFields, type Fields } from "./form.js";
import type { AnswerHeaders, RequestView } from "./view.js";

/** A web `Request` as the library reads it. */
export class WebView implements RequestView {
  readonly context: unknown;
  readonly #request: Request;

  constructor(request: Request, context: unknown = request) {
    this.#request = request;
    this.context = context;
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

  headers(name: string): readonly string[] {
    const value = this.#request.headers.get(name);
    if (value !== null) return [value];
    return name === "host" ? [new URL(this.#request.url).host] : [];
  }

  param(_name: string): string | undefined {
    return undefined;
  }

  form(): Promise<Fields | undefined> {
    return webForm(this.#request);
  }
}

/** The fields of a url-encoded body; the handler reads the request's own body. */
async function webForm(request: Request): Promise<Fields | undefined> {
  if (!isForm(request.headers.get("content-type") ?? undefined) || request.bodyUsed) return undefined;
  const body = request.clone().body;
  const text = body && (await shortText(body).catch(() => undefined));
  return text ? urlencodedFields(text) : undefined;
}

/** The whole text, or undefined where it is too long. */
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

/** Web `Headers` of an answer. `toChange` answers those that may be written. */
export class WebHeaders implements AnswerHeaders {
  #headers: Headers;
  readonly #toChange: () => Headers;

  constructor(headers: Headers, toChange: () => Headers = () => headers) {
    this.#headers = headers;
    this.#toChange = toChange;
  }

  get(name: string): string | undefined {
    return this.#headers.get(name) ?? undefined;
  }

  set(name: string, value: string): void {
    this.#own().set(name, value);
  }

  cookies(): readonly string[] {
    return this.#headers.getSetCookie();
  }

  setCookies(lines: readonly string[]): void {
    const headers = this.#own();
    headers.delete("Set-Cookie");
    for (const line of lines) headers.append("Set-Cookie", line);
  }

  #own(): Headers {
    this.#headers = this.#toChange();
    return this.#headers;
  }
}

/** Whether a response can bring anything: one that hands the connection over (101) or none at all cannot. */
export function canCarry(response: Response | undefined): boolean {
  return response !== undefined && response.status >= 200;
}

/** Whether the body of a response may still be in the making when its headers leave. */
export function isStreamed(request: Request, response: Response): boolean {
  return request.method !== "HEAD" && response.body !== null && !response.headers.has("content-length");
}

/**
 * The response with what `tell` writes into its headers, and with `after` before the end of its body. A copy, where anything changes:
 * the headers may be immutable, and an application may answer one object to many requests.
 */
export function answered(response: Response, tell: (headers: AnswerHeaders) => void, after: (() => Promise<void> | undefined) | undefined): Response {
  let own = after && response.body ? new Response(ending(response.body, after), response) : undefined;
  const toChange = (): Headers => (own ??= new Response(response.body, response)).headers;
  tell(new WebHeaders((own ?? response).headers, toChange));
  return own ?? response;
}

/** The same body; `after` runs before its end is seen, or once nobody reads on. Where it fails the body is broken off. */
function ending(body: ReadableStream<Uint8Array>, after: () => Promise<void> | undefined): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const brokenOff = async (): Promise<void> => after()?.catch(() => {});
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read().catch(async (error: unknown) => {
          await brokenOff();
          throw error;
        });
        if (!done) return controller.enqueue(value);
        await after();
        controller.close();
      },
      async cancel(reason) {
        try {
          await reader.cancel(reason);
        } finally {
          await brokenOff();
        }
      },
    },
    { highWaterMark: 0 },
  );
}
