import type { AnswerHeaders } from "./view.js";

/** Headers that one kind of cache follows in place of Cache-Control: those of RFC 9213, and what CDNs had before it. */
const TARGETED = /^(?:(?:.+-)?cdn-cache-control|surrogate-control|edge-control)$/i;
/** The same for nginx, which takes seconds. */
const SECONDS = /^x-accel-expires$/i;

/** An answer that carries a token is nobody else's. */
export function forbidStoring(headers: AnswerHeaders): void {
  headers.set("Cache-Control", "no-store");
  forbidSharing(headers);
}

/** What says more than Cache-Control to some caches must not say the contrary. */
function forbidSharing(headers: AnswerHeaders): void {
  for (const name of headers.names()) {
    if (SECONDS.test(name)) headers.set(name, "0");
    else if (TARGETED.test(name) && !/\bno-store(?!-)\b/i.test(headers.get(name) ?? "")) headers.set(name, "no-store");
  }
}

/** An answer that was made from a session: shared caches must not hand it to others, and key what they keep by what was asked. */
export function keepPrivate(headers: AnswerHeaders, asked: readonly string[]): void {
  const control = headers.get("Cache-Control");
  if (control !== undefined && /\b(?:public|s-maxage)\b/i.test(control)) headers.set("Cache-Control", privately(control));
  forbidSharing(headers);
  for (const name of asked) vary(headers, name);
}

function privately(control: string): string {
  const kept = control.split(",").map((part) => part.trim()).filter((part) => !/^(?:public|s-maxage\s*=.*|private)$/i.test(part));
  return ["private", ...kept].join(", ");
}

function vary(headers: AnswerHeaders, name: string): void {
  const value = headers.get("Vary");
  if (value === undefined) return headers.set("Vary", name);
  const names = value.split(",").map((part) => part.trim().toLowerCase());
  if (names.includes("*") || names.includes(name.toLowerCase())) return;
  headers.set("Vary", value === "" ? name : `${value}, ${name}`);
}
