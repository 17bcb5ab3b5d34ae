import type { AnswerHeaders } from "./view.js";

/** An answer that carries a token is nobody else's. */
export function forbidStoring(headers: AnswerHeaders): void {
  headers.set("Cache-Control", "no-store");
}

/** An answer that was made from a session: shared caches must not hand it to others, and key what they keep by what was asked. */
export function keepPrivate(headers: AnswerHeaders, asked: readonly string[]): void {
  const control = headers.get("Cache-Control");
  if (control !== undefined && /\b(?:public|s-maxage)\b/i.test(control)) headers.set("Cache-Control", privately(control));
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
