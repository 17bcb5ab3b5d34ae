/** Differences between answers without and with a session that are meant, or that a runtime leaves no way around. */
export interface Meant {
  /** Where. */
  readonly on: RegExp;
  /** In which rows. */
  readonly row: RegExp;
  readonly why: string;
  /** The header line that may be another, or be there only with a session. */
  readonly line: RegExp;
}

export const MEANT: readonly Meant[] = [
  {
    on: /^Bun/,
    row: /^HEAD (?:text, wide|Uint8Array of a text|Blob|FormData|URLSearchParams|Bun\.file)/,
    why: "Bun leaves the type out of its answer to HEAD as long as nobody looks at the headers; GET has it",
    line: /^content-type:/i,
  },
  {
    on: /^Bun/,
    row: /^GET Bun\.file, a range beyond it/,
    why: "Bun leaves the type out of a 416 as long as nobody looks at the headers",
    line: /^content-type:/i,
  },
  {
    on: /^Bun/,
    row: /^(?:GET|HEAD) Uint8Array of a text/,
    why: "in Bun a clone of a text beyond ASCII without a type looks like a clone of bytes, so both are sent as text",
    line: /^content-type:/i,
  },
  {
    on: /node-server (?!1\.0\.)[\d.]+$/,
    row: /^(?:GET|HEAD) text with a cookie: /,
    why: "two cookies take a Headers object, to which the server adds the type of a text where none is named",
    line: /^content-type: text\/plain/i,
  },
  {
    on: /in another shape/,
    row: /^(?:GET|HEAD|Hono) /,
    why: "a copy by the standard has the type that the standard gives a text, and is framed as the server frames it",
    line: /^(?:x-own|content-length|transfer-encoding|content-type):/i,
  },
];

/** Kinds that are not compared. */
export const LEFT_OUT: readonly { readonly on: RegExp; readonly kind: RegExp; readonly why: string }[] = [
  {
    on: /in another shape/,
    kind: /^frozen$/,
    why: "of a class that writes to the response when its body is asked for, nothing can be copied",
  },
];

/** Cases of the suite that a runtime cannot play. */
const NOT_PLAYED: readonly { readonly on: string; readonly name: RegExp; readonly why: string }[] = [
  { on: "Deno", name: /^HTTP\/2: /, why: "Deno 2.9.6 aborts now and then, by an assertion in its own nghttp2" },
];

/** Whether a runtime leaves a case out. */
export function isLeftOut(runtime: string, name: string): boolean {
  return NOT_PLAYED.some((one) => one.on === runtime && one.name.test(name));
}
