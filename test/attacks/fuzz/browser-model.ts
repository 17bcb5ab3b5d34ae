/**
 * What a browser keeps of a Set-Cookie line, or why it keeps nothing (RFC 6265bis §5.6 and §5.7, with the limits of
 * today's browsers).
 */
export interface Kept {
  readonly name: string;
  readonly value: string;
  readonly attributes: ReadonlyMap<string, string>;
}

const MOST_BYTES = 4096;
const MOST_ATTRIBUTE_BYTES = 1024;
const bytes = (text: string): number => Buffer.byteLength(text, "utf8");
const trimmed = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, "");

/** Takes a line that came over https from any host of the cookie's domain. */
export function keptByBrowsers(line: string): Kept | string {
  if (/[\u0000-\u0008\u000a-\u001f\u007f]/.test(line)) return "a control character"; // oxlint-disable-line no-control-regex
  const [pair = "", ...rest] = line.split(";");
  const at = pair.indexOf("=");
  const [name, value] = at === -1 ? ["", trimmed(pair)] : [trimmed(pair.slice(0, at)), trimmed(pair.slice(at + 1))];
  if (name === "" && value === "") return "neither name nor value";
  if (bytes(name) + bytes(value) > MOST_BYTES) return "too long";
  const attributes = new Map(rest.flatMap((part) => attribute(part)));
  return refusal(name, attributes) ?? { name, value, attributes };
}

function attribute(part: string): [string, string][] {
  const at = part.indexOf("=");
  const [name, value] = at === -1 ? [trimmed(part), ""] : [trimmed(part.slice(0, at)), trimmed(part.slice(at + 1))];
  return bytes(value) > MOST_ATTRIBUTE_BYTES ? [] : [[name.toLowerCase(), value]];
}

function refusal(name: string, attributes: ReadonlyMap<string, string>): string | undefined {
  const isSecure = attributes.has("secure");
  if (/^__secure-/i.test(name) && !isSecure) return "__Secure- without Secure";
  if (/^__host-/i.test(name) && !(isSecure && attributes.get("path") === "/" && !attributes.has("domain")))
    return "__Host- that is not for one host alone";
  if (attributes.get("samesite")?.toLowerCase() === "none" && !isSecure) return "SameSite=None without Secure";
  if (attributes.has("partitioned") && !isSecure) return "Partitioned without Secure";
  return undefined;
}
