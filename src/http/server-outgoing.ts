import { isPlainObject } from "../util/assert.js";
import { ending, untouched, type Begun } from "./live-body.js";
import { Outgoing } from "./outgoing.js";

/**
 * `@hono/node-server` replaces `Response` by its own class, which keeps the constructor arguments under a private
 * symbol; the server sends them without creating a stream. This file finds them, so that the copy of a response is
 * sent in the same way. If the format is unknown, nothing is found, and the response is copied as on other runtimes.
 */

/** The arguments that a response was created from. */
export interface MadeFrom {
  readonly status: number;
  readonly statusText?: string;
  /** The class to create the copy with. Default: the global one. */
  readonly by?: typeof Response;
  /** True if finding these took the body out of the response. */
  readonly isTaken?: boolean;
  readonly body: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array> | null;
  /** As given: the server sends each form differently. */
  readonly headers: Headers | readonly Pair[] | Readonly<Record<string, string | readonly string[]>> | undefined;
}

/** What srvx's server calls to send a response of its class. It leaves the response empty, as sending does. */
interface NodeSent {
  readonly status: number;
  readonly statusText: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: unknown;
}

/**
 * Returns what a response of srvx's class for Node is sent as: a string with its length, a file as a stream of Node. A
 * clone would make web streams of them, and a client that disconnects from such a copy of a file ends the process.
 */
export function madeOnNode(response: Response): MadeFrom | undefined {
  const { _toNodeResponse: send } = response as Response & { _toNodeResponse?: () => NodeSent };
  if (typeof send !== "function") return undefined;
  const { status, statusText, headers: list, body } = send.call(response);
  const headers = new Headers();
  for (let i = 0; i + 1 < list.length; i += 2) headers.append(list[i]!, list[i + 1]!);
  const by = response.constructor as typeof Response;
  return { status, statusText, headers, body: (body ?? null) as MadeFrom["body"], by, isTaken: true };
}

type Pair = readonly [name: string, value: string];

/**
 * Returns the arguments that `response` was created from, if known. Reads nothing else: that would change how it is
 * sent.
 */
export function madeFrom(response: Response): MadeFrom | undefined {
  const symbol = symbolOf(globalThis.Response);
  const parts: unknown = symbol && Reflect.get(response, symbol);
  if (!Array.isArray(parts) || parts.length !== 3 || Object.hasOwn(response, "status")) return undefined;
  const [status, body, headers] = parts as unknown[];
  if (!Number.isInteger(status) || !isBody(body) || !isHeaders(headers)) return undefined;
  return { status: status as number, body, headers };
}

let seen: typeof Response | undefined;
let symbol: symbol | undefined;

/** Searched once for each class that replaces the global one, by creating a response. */
function symbolOf(made: typeof Response): symbol | undefined {
  if (made !== seen) {
    symbol = foundIn(made);
    seen = made;
  }
  return symbol;
}

function foundIn(made: typeof Response): symbol | undefined {
  const headers = { "x-of": "the copy" };
  const response = new made("a string", { status: 299, headers });
  return Object.getOwnPropertySymbols(response).find((symbol) => {
    const parts: unknown = Reflect.get(response, symbol);
    if (!Array.isArray(parts) || parts.length !== 3) return false;
    return (
      parts[0] === 299 && parts[1] === "a string" && (parts[2] as typeof headers | null)?.["x-of"] === "the copy"
    );
  });
}

function isBody(body: unknown): body is MadeFrom["body"] {
  if (body === null || typeof body === "string") return true;
  return body instanceof Uint8Array || body instanceof Blob || isStream(body);
}

function isStream(body: unknown): body is ReadableStream<Uint8Array> {
  return typeof (body as Partial<ReadableStream> | null | undefined)?.getReader === "function";
}

function isHeaders(headers: unknown): headers is MadeFrom["headers"] {
  return headers === undefined || headers instanceof Headers || Array.isArray(headers) || isPlainObject(headers);
}

/**
 * A response of a server's class: created again from the same arguments, with its headers in the same form. Or one
 * whose copy gets its stream.
 */
export class ServerOutgoing extends Outgoing {
  readonly #response: Response;
  readonly #made: MadeFrom;

  constructor(response: Response, made: MadeFrom) {
    super();
    this.#response = response;
    this.#made = made;
  }

  get status(): number {
    return this.#made.status;
  }

  protected headerNames(): readonly string[] {
    const { headers } = this.#made;
    return headers instanceof Headers ? [...headers.keys()] : pairs(this.#made).map(([name]) => name);
  }

  protected header(name: string): string | undefined {
    const { headers } = this.#made;
    if (headers instanceof Headers) return headers.get(name) ?? undefined;
    const values = pairs(this.#made).filter(([own]) => own.toLowerCase() === name.toLowerCase());
    return values.length === 0 ? undefined : values.map(([, value]) => value).join(", ");
  }

  protected cookieLines(): readonly string[] {
    const { headers } = this.#made;
    if (headers instanceof Headers) return headers.getSetCookie();
    return pairs(this.#made)
      .filter(isCookie)
      .map(([, line]) => line);
  }

  live(): Begun | undefined {
    const { body } = this.#made;
    return isStream(body) && this.header("content-length") === undefined ? untouched(body) : undefined;
  }

  whole(): Response {
    return this.hasChanged || this.#made.isTaken ? this.#madeOf(this.#made.body) : this.#response;
  }

  endingAfter(read: Begun, after: () => Promise<void> | undefined): Response {
    return this.#madeOf(ending(read, after));
  }

  #madeOf(body: MadeFrom["body"]): Response {
    const { status, statusText = "", by = Response } = this.#made;
    return new by(body, { status, statusText, headers: this.#headers() as Headers });
  }

  #headers(): MadeFrom["headers"] {
    const given = this.#made.headers;
    if (!this.hasChanged) return given;
    if (given instanceof Headers) {
      const headers = new Headers(given);
      this.change(headers);
      return headers;
    }
    const cookies = (this.ownCookies ?? []).map((line): Pair => ["set-cookie", line]);
    const all = [...pairs(this.#made).filter((pair) => !this.#replaces(pair)), ...this.changes, ...cookies];
    if (Array.isArray(given)) return all;
    return all.filter(isCookie).length > 1 ? new Headers(all as [string, string][]) : Object.fromEntries(all);
  }

  #replaces(pair: Pair): boolean {
    return this.changes.has(pair[0].toLowerCase()) || (this.ownCookies !== undefined && isCookie(pair));
  }
}

function isCookie([name]: Pair): boolean {
  return name.toLowerCase() === "set-cookie";
}

/** Headers given as a list or an object, or the server's default if none were given. */
function pairs({ headers, body }: MadeFrom): readonly Pair[] {
  if (Array.isArray(headers)) return headers as readonly Pair[];
  if (headers === undefined) return body === null ? [] : [["content-type", "text/plain; charset=UTF-8"]];
  return Object.entries(headers as Record<string, string | readonly string[]>).flatMap(([name, value]) =>
    [value].flat().map((one): Pair => [name, one]),
  );
}
