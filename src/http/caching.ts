import type { ResponseHeaders } from "./request-view.js";

/** Headers that some caches use instead of Cache-Control: those of RFC 9213, and older CDN headers. */
const TARGETED = /^(?:(?:.+-)?cdn-cache-control|surrogate-control|edge-control)$/i;
/** The same for nginx, in seconds. */
const SECONDS = /^x-accel-expires$/i;

/**
 * Whether a name can be one of them: all end in `control` or `expires`. It is asked of each header of each response,
 * and an expression takes ten times as long.
 */
function mayTarget(name: string): boolean {
  const last = name.charCodeAt(name.length - 1) | 0x20;
  return (last === 0x6c || last === 0x73) && name.length >= "edge-control".length && name !== "cache-control";
}

/**
 * True if a response allows shared caches to store it (RFC 9111, 3): by `public`, `immutable`, or a lifetime in
 * Cache-Control, Expires or a header for some caches, without `private` or `no-store` in the same header. `now`: epoch
 * ms.
 */
export function isForEverybody(headers: ResponseHeaders, now: number): boolean {
  const control = directives(headers.get("Cache-Control"));
  const expires = control.has("max-age") || control.has("s-maxage") ? undefined : headers.get("Expires");
  return (
    allowsSharing(control, expires !== undefined && Date.parse(expires) > now) ||
    headers.names().some((name) => isTargetedAtSharing(headers, name))
  );
}

function isTargetedAtSharing(headers: ResponseHeaders, name: string): boolean {
  if (SECONDS.test(name)) return seconds(headers.get(name)) > 0;
  return TARGETED.test(name) && allowsSharing(directives(headers.get(name)), false);
}

function allowsSharing(control: ReadonlyMap<string, string>, hasLifetime: boolean): boolean {
  if (control.has("no-store") || control.has("private")) return false;
  return (
    hasLifetime ||
    control.has("public") ||
    control.has("immutable") ||
    seconds(control.get("s-maxage") ?? control.get("max-age")) > 0
  );
}

/** The directives of a header, in lower case; the first of several with the same name counts. */
function directives(value: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of value?.split(",") ?? []) {
    const [name = "", argument = ""] = part.split("=", 2).map((half) => half.trim());
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), argument);
  }
  return found;
}

function seconds(text: string | undefined): number {
  return text === undefined ? 0 : Number(text.replaceAll('"', ""));
}

/** A response with a token must not be stored by any cache. */
export function forbidStoring(headers: ResponseHeaders): void {
  headers.set("Cache-Control", "no-store");
  forbidSharing(headers, headers.names());
}

/** Headers with priority over Cache-Control must not allow storing. */
function forbidSharing(headers: ResponseHeaders, names: readonly string[]): void {
  for (const name of names) {
    if (!mayTarget(name)) continue;
    if (SECONDS.test(name)) headers.set(name, "0");
    else if (TARGETED.test(name) && !directives(headers.get(name)).has("no-store")) headers.set(name, "no-store");
  }
}

/**
 * A response that depends on a session: shared caches must not send it to other clients, and `Vary` lists the request
 * headers that it depends on.
 */
export function keepPrivate(headers: ResponseHeaders, asked: readonly string[]): void {
  const names = headers.names();
  const control = includes(names, "cache-control") ? headers.get("Cache-Control") : undefined;
  if (control !== undefined && /\b(?:public|s-maxage)\b/i.test(control))
    headers.set("Cache-Control", privately(control));
  forbidSharing(headers, names);
  vary(headers, includes(names, "vary") ? (headers.get("Vary") ?? "") : "", asked);
}

/** Each call to a response takes longer than the comparison of a few names. */
function includes(names: readonly string[], wanted: string): boolean {
  for (const name of names) if (name.length === wanted.length && name.toLowerCase() === wanted) return true;
  return false;
}

function privately(control: string): string {
  const kept = control
    .split(",")
    .map((part) => part.trim())
    .filter((part) => !/^(?:public|s-maxage\s*=.*|private)$/i.test(part));
  return ["private", ...kept].join(", ");
}

function vary(headers: ResponseHeaders, value: string, asked: readonly string[]): void {
  if (value === "" && asked.length === 1) return headers.set("Vary", asked[0]!);
  const known = value.split(",").map((part) => part.trim().toLowerCase());
  if (known.includes("*")) return;
  const missing = asked.filter((name) => !known.includes(name.toLowerCase()));
  if (missing.length > 0) headers.set("Vary", [...(value === "" ? [] : [value]), ...missing].join(", "));
}
