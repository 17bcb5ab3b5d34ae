import { andThen } from "../leaves/promise.js";
import { isForm, MOST_BYTES, urlencodedFields, type Fields } from "./form.js";
import { isHandshake, type AnswerHeaders, type RequestView } from "./view.js";

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

  get isUpgrade(): boolean {
    return isHandshake(this);
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

/** Web `Headers` of an answer that has not begun. */
export class WebHeaders<T extends { readonly headers: Headers }> implements AnswerHeaders {
  /** What has the headers. A runtime makes those of a response when they are asked for: they are not before they are needed. */
  protected message: T;

  constructor(message: T) {
    this.message = message;
  }

  names(): readonly string[] {
    return [...this.message.headers.keys()];
  }

  get(name: string): string | undefined {
    return this.message.headers.get(name) ?? undefined;
  }

  set(name: string, value: string): void {
    this.toChange().set(name, value);
  }

  cookies(): readonly string[] {
    return this.message.headers.getSetCookie();
  }

  setCookies(lines: readonly string[]): void {
    const headers = this.toChange();
    headers.delete("Set-Cookie");
    for (const line of lines) headers.append("Set-Cookie", line);
  }

  /** Those that may be written. */
  protected toChange(): Headers {
    return this.message.headers;
  }
}

/**
 * A response, and what its client is told. It is a copy once anything changes: headers may be immutable, and an application may answer one
 * object to many requests.
 */
class ToldResponse extends WebHeaders<Response> {
  #isOwn = false;

  get response(): Response {
    return this.message;
  }

  /** `after` runs before the end of the body. */
  endAfter(after: () => Promise<void> | undefined): void {
    this.#copy(ending(this.message.body!, after));
  }

  protected override toChange(): Headers {
    if (!this.#isOwn) this.#copy(bodyOf(this.message));
    return this.message.headers;
  }

  #copy(body: Body): void {
    this.message = new Response(body, this.message);
    this.#isOwn = true;
  }
}

/** What happens around an answer. Where it answers nothing there is nothing to wait for. */
export interface ResponseHooks {
  /** Before the answer. `canCarry` is false where it brings nothing; `headers` are those that the handler gave it. */
  commit(canCarry: boolean, headers?: AnswerHeaders): Promise<void> | undefined;
  /** Whether the handler may still have something to store while the body is on its way. */
  readonly mayChange: boolean;
  /** Before the end of the body, or once nobody reads on. */
  finish(): Promise<void> | undefined;
  /** Headers that are added last. */
  answer(headers: AnswerHeaders): void;
}

/** What is answered in place of `response`, once all that comes before it is done. One that hands the connection over (101), or none, brings nothing. */
export function answered<R extends Response | undefined>(request: Request, response: R, hooks: ResponseHooks): R | Response | Promise<R | Response> {
  const carries = response !== undefined && response.status >= 200;
  return andThen(hooks.commit(carries, response && new WebHeaders(response)), () => {
    if (carries && hooks.mayChange && isStreamed(request, response)) return told(response, hooks, true);
    return andThen(hooks.finish(), () => (carries ? told(response, hooks, false) : response));
  });
}

/** Whether a request to become a socket was granted. Some runtimes want an empty response in place of the 101 that they have sent themselves. */
export function isHandedOver(response: Response | undefined): boolean {
  return response === undefined || response.status === 101 || (response.status === 200 && response.body === null);
}

function told(response: Response, hooks: ResponseHooks, isStream: boolean): Response {
  const answer = new ToldResponse(response);
  if (isStream) answer.endAfter(() => hooks.finish());
  hooks.answer(answer);
  return answer.response;
}

/** Whether the body of a response may still be in the making when its headers leave. */
function isStreamed(request: Request, response: Response): boolean {
  return request.method !== "HEAD" && textOf(response) === undefined && response.body !== null && !response.headers.has("content-length");
}

/** What a response can be made from again. */
type Body = string | ReadableStream<Uint8Array> | null;

/** The text of a response where that is known, else its stream. */
function bodyOf(response: Response): Body {
  const text = textOf(response);
  return text === undefined ? response.body : text;
}

/** Under which `@hono/node-server` keeps what a response was made from: status, body and headers, which it sends without making a stream. */
let madeFrom: symbol | undefined;

/**
 * The text a response was made from, or null where it has no body. Undefined where that is unknown, or looks other than it did when this was written:
 * most runtimes only show a stream.
 */
function textOf(response: Response): string | null | undefined {
  madeFrom ??= Object.getOwnPropertySymbols(response).find(({ description }) => description === "cache");
  const parts: unknown = madeFrom && Reflect.get(response, madeFrom);
  if (!Array.isArray(parts) || parts.length !== 3) return undefined;
  const [status, body] = parts as unknown[];
  return status === response.status && (typeof body === "string" || body === null) ? body : undefined;
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
