import { builtinModule } from "../util/builtin.js";

/** How a body was given: as text, bytes, a file or anything else of a known length; as a stream; or unknown. */
export type BodyKind = "whole" | "stream" | "unsure";

/** How runtimes differ beyond the standard, which shows a stream for every body. */
interface Runtime {
  kindOf(response: Response): BodyKind;
  /**
   * Whether `new Response(other.body)` is sent as `other` would be: with its type and its length. If not, clone it.
   */
  readonly passesBodies: boolean;
  /** Whether `new Response(other.body)` is compressed once more if the handler had compressed `other` itself. */
  readonly encodesAgain?: true;
  /** Whether bytes are sent as what they were read from would be. */
  readonly passesBytes: boolean;
  /** The type that is sent with a response that has no Content-Type, if a clone would lose it. */
  impliedType?(response: Response): Promise<string | undefined>;
}

type Inspect = (value: unknown) => string;

/**
 * Inspecting a response shows what it was made from. Reading `body` turns a text into a stream, which loses its type;
 * a clone loses it if there are characters beyond ASCII. Bytes that are such a text are taken for a text.
 */
const BUN: Runtime = {
  kindOf(response) {
    const inspect = (globalThis as { Bun?: { inspect?: Inspect } }).Bun?.inspect;
    return inspect && !/^ {2}ReadableStream/m.test(inspect(response)) ? "whole" : "stream";
  },
  passesBodies: false,
  passesBytes: false,
  async impliedType(response) {
    if (response.headers.has("content-type")) return undefined;
    const bytes = new Uint8Array(await response.clone().arrayBuffer());
    const text = textOf(bytes);
    return text !== undefined && text.length !== bytes.length ? "text/plain;charset=utf-8" : undefined;
  },
};

/** The text in UTF-8, if it is one. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Inspecting a stream shows its length, if it has one. A clone that is not read costs memory and prints a warning.
 */
const WORKERD: Runtime = {
  kindOf({ body }) {
    const inspect = builtinModule<{ inspect?: Inspect }>("node:util")?.inspect;
    return inspect && (body === null || /\[length\]: \d+n/.test(inspect(body))) ? "whole" : "stream";
  },
  passesBodies: true,
  encodesAgain: true,
  passesBytes: true,
};

/** Sends a text with its length, and a Blob in chunks. */
const DENO: Runtime = { kindOf: () => "unsure", passesBodies: false, passesBytes: false };

/** Node: its servers look at what a response was made from. */
const OTHERS: Runtime = { kindOf: () => "unsure", passesBodies: false, passesBytes: true };

let found: Runtime | undefined;

/** This runtime. What inspecting shows may change: it is used only if it tells a text from a stream. */
export function runtime(): Runtime {
  return (found ??= [BUN, WORKERD].find(isRight) ?? ("Deno" in globalThis ? DENO : OTHERS));
}

function isRight({ kindOf }: Runtime): boolean {
  try {
    return kindOf(new Response("a text")) === "whole" && kindOf(new Response(new ReadableStream())) === "stream";
  } catch {
    return false;
  }
}

/** The runtime's own class, also if a server has replaced the global one. */
export function responseClass(): typeof Response {
  return isReplaced() ? (Object.getPrototypeOf(globalThis.Response) as typeof Response) : globalThis.Response;
}

/** Whether a server has replaced the global class by one of its own. */
export function isReplaced(): boolean {
  return Object.getPrototypeOf(globalThis.Response) !== Function.prototype;
}
