import { requestSession, valuesOf, type Bytes, type WireAnswer } from "./everywhere.js";

/** What a cache keeps of an answer. */
interface Kept {
  readonly answer: WireAnswer;
  /** The request headers that Vary named, as they were. */
  readonly selecting: readonly string[];
  readonly vary: readonly string[];
  readonly freshUntil: number;
}

/** Statuses that may be kept without a word about how long (RFC 9110 §15.1). */
const HEURISTIC = new Set([200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501]);
const HEURISTIC_SECONDS = 3600;

/**
 * A shared cache as RFC 9111 allows it to be at its greediest: it keeps whatever it is not forbidden to keep,
 * Set-Cookie lines included, for an hour where nothing says how long. Time stands still but for `wait`.
 */
export class SharedCache {
  readonly #port: number;
  readonly #kept = new Map<string, Kept[]>();
  #now = 0;
  /** How often it answered without the server. */
  hits = 0;

  constructor(port: number) {
    this.#port = port;
  }

  wait(seconds: number): void {
    this.#now += seconds;
  }

  async ask(bytes: Bytes): Promise<WireAnswer> {
    const { method = "GET", path = "/", lines = [] } = bytes;
    const key = `${method} ${path}`;
    const hit = (this.#kept.get(key) ?? []).find(
      (kept) => kept.freshUntil > this.#now && selecting(kept.vary, lines).join("\n") === kept.selecting.join("\n"),
    );
    if (hit) {
      this.hits++;
      return hit.answer;
    }
    const answer = await requestSession(this.#port, bytes);
    this.#keep(key, method, lines, answer);
    return answer;
  }

  #keep(key: string, method: string, lines: readonly string[], answer: WireAnswer): void {
    const control = directives(valuesOf(answer, "Cache-Control"));
    const vary = valuesOf(answer, "Vary")
      .flatMap((value) => value.split(","))
      .map((name) => name.trim().toLowerCase());
    const seconds = lifetime(answer, control);
    if (
      method !== "GET" ||
      control.has("no-store") ||
      control.has("private") ||
      control.has("no-cache") ||
      vary.includes("*") ||
      seconds === undefined
    )
      return;
    const isAllowed = ["public", "s-maxage", "must-revalidate"].some((name) => control.has(name));
    if (lines.some((line) => /^authorization:/i.test(line)) && !isAllowed) return;
    const kept: Kept = { answer, vary, selecting: selecting(vary, lines), freshUntil: this.#now + seconds };
    this.#kept.set(key, [...(this.#kept.get(key) ?? []), kept]);
  }
}

/** What the request says of each header that Vary names (RFC 9111 §4.1). */
function selecting(vary: readonly string[], lines: readonly string[]): string[] {
  return vary.map((name) =>
    lines
      .filter((line) => line.toLowerCase().startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).trim())
      .join(", "),
  );
}

function directives(values: readonly string[]): Map<string, string> {
  return new Map(
    values
      .flatMap((value) => value.split(","))
      .map((part) => part.trim().split("="))
      .map(([name = "", value = ""]) => [name.toLowerCase(), value]),
  );
}

function lifetime(answer: WireAnswer, control: ReadonlyMap<string, string>): number | undefined {
  const explicit = control.get("s-maxage") ?? control.get("max-age");
  if (explicit !== undefined) return Number(explicit);
  return HEURISTIC.has(answer.status) || control.has("public") ? HEURISTIC_SECONDS : undefined;
}
