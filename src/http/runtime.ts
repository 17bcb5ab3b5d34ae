import { builtinModule } from "../util/builtin.js";

/**
 * How a body was given: `whole` (a string, bytes, a file or anything else with a known length), as a stream, or
 * unknown.
 */
export type BodyKind = "whole" | "stream" | "unsure";

/** Differences between runtimes beyond the standard, which has a stream for every body. */
interface Runtime {
  kindOf(response: Response): BodyKind;
  /** True if `new Response(other.body)` is sent like `other`: with its type and its length. If not, clone it. */
  readonly passesBodies: boolean;
  /** True if `new Response(other.body)` is compressed again if the handler had compressed `other` itself. */
  readonly encodesAgain?: true;
  /** True if bytes are sent like the body that they were read from. */
  readonly passesBytes: boolean;
  /** The type that is sent with a response without Content-Type, if a clone would lose it. */
  impliedType?(response: Response): Promise<string | undefined>;
}

type Inspect = (value: unknown) => string;

/**
 * Inspecting a response shows how its body was given. Reading `body` turns a string into a stream, which loses its
 * type; a clone loses it if the string is not ASCII. Bytes that are valid UTF-8 are handled like a string.
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

/** Decodes UTF-8; returns undefined if it is not valid. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Inspecting a stream shows its length, if it has one. A clone that is not read costs memory and prints a warning. */
const WORKERD: Runtime = {
  kindOf({ body }) {
    const inspect = builtinModule<{ inspect?: Inspect }>("node:util")?.inspect;
    return inspect && (body === null || /\[length\]: \d+n/.test(inspect(body))) ? "whole" : "stream";
  },
  passesBodies: true,
  encodesAgain: true,
  passesBytes: true,
};

/** Sends a string with its length, and a Blob in chunks. */
const DENO: Runtime = { kindOf: () => "unsure", passesBodies: false, passesBytes: false };

/** Node: its servers use the value that a response was created from. */
const OTHERS: Runtime = { kindOf: () => "unsure", passesBodies: false, passesBytes: true };

let found: Runtime | undefined;

/**
 * The current runtime. The format of inspection may change: it is used only if it distinguishes a string from a
 * stream.
 */
export function runtime(): Runtime {
  return (found ??= [BUN, WORKERD].find(isRight) ?? ("Deno" in globalThis ? DENO : OTHERS));
}

function isRight({ kindOf }: Runtime): boolean {
  try {
    return kindOf(new Response("a string")) === "whole" && kindOf(new Response(new ReadableStream())) === "stream";
  } catch {
    return false;
  }
}

/** The runtime's own class, also if a server has replaced the global one. */
export function responseClass(): typeof Response {
  return isReplaced() ? (Object.getPrototypeOf(globalThis.Response) as typeof Response) : globalThis.Response;
}

/**
 * True if a server has replaced the global class by one that inherits from it. `Function.prototype`, also that of
 * another realm, as in Jest, has no property `prototype`.
 */
export function isReplaced(): boolean {
  return Object.hasOwn(Object.getPrototypeOf(globalThis.Response) as object, "prototype");
}
