import type { Observation } from "./cell.js";
import type { Column } from "./columns.js";
import type { Framework, Row } from "./row.js";
import type { Answer, Transcript } from "./transcript.js";

/** What a cell is compared with. */
export interface References {
  /** The program without a session. */
  readonly bare: Observation;
  /** The program whose session fails at once. */
  readonly refused: Observation;
}

/** How what was seen differs from what should have been; empty where it does not. */
export function differences(row: Row, framework: Framework, column: Column, { bare, refused }: References, ours: Observation): string[] {
  if (bare.crashes.length > 0) return noWorse(bare, ours);
  if (column.save === "fails" && row.whenSaveFails !== "as bare") return [...compareCrashes(ours), ...compareFailure(framework, bare, refused, ours)];
  return [
    ...compareCrashes(ours),
    ...compareTranscripts(row, framework, column, bare.transcript, ours.transcript),
    ...compareNotes(bare.notes, ours.notes),
    ...compareCookie(column, ours),
  ];
}

/** Without a session the process would have ended: nothing is to be worse than that. */
function noWorse(bare: Observation, ours: Observation): string[] {
  if (ours.crashes.length > bare.crashes.length) return [`crashes: bare ${bare.crashes.length}, here ${ours.crashes.join(" · ")}`];
  return ours.crashes.length === 0 && ours.transcript.end === "hung" && bare.transcript.end !== "hung" ? ["hangs"] : [];
}

function compareCrashes({ crashes }: Observation): string[] {
  return crashes.map((crash) => `the process ends: ${crash}`);
}

function compareTranscripts(row: Row, framework: Framework, column: Column, bare: Transcript, ours: Transcript): string[] {
  const found: string[] = [];
  const say = differ(found);
  say("connection", bare.end, ours.end);
  say("number of answers", bare.answers.length, ours.answers.length);
  say("bytes beyond the answers", bare.rest, ours.rest);
  for (const [i, answer] of bare.answers.entries()) if (ours.answers[i]) compareAnswers(say, row, framework, column, answer, ours.answers[i]);
  return found;
}

type Say = (what: string, bare: unknown, ours: unknown) => void;

function differ(found: string[]): Say {
  return (what, bare, ours) => {
    if (JSON.stringify(bare) !== JSON.stringify(ours)) found.push(`${what}: bare ${shown(bare)}, here ${shown(ours)}`);
  };
}

function compareAnswers(say: Say, row: Row, framework: Framework, column: Column, bare: Answer, ours: Answer): void {
  say("status line", bare.line, ours.line);
  say("framing", bare.framing, ours.framing);
  say("whole", bare.isComplete, ours.isComplete);
  const mayChange = column.use !== "nothing" || hasCookie(ours);
  say("headers", headersOf(bare, row, framework, mayChange), headersOf(ours, row, framework, mayChange));
  say("body", bare.body, ours.body);
  say("trailers", bare.trailers, ours.trailers);
}

const CACHING = /^(cache-control|cdn-cache-control|surrogate-control|vary)$/i;

/**
 * The headers that have to be equal. Those about caching are the session's own business, where the session was used. The order and the case
 * of names count where the program writes them, not where a web `Headers` object does.
 */
function headersOf({ headers }: Answer, { volatile = [] }: Row, framework: Framework, mayChange: boolean): string[] {
  const isWeb = framework === "hono" || framework === "fetch";
  const lines = headers
    .map(([name, value]) => [isWeb ? name.toLowerCase() : name, value] as const)
    .filter(([name, value]) => !isOurs(name, value) && !(mayChange && CACHING.test(name)))
    .map(([name, value]) => (/^date$/i.test(name) || volatile.includes(name.toLowerCase()) ? `${name}: …` : `${name}: ${value}`));
  return isWeb ? lines.sort() : lines;
}

function isOurs(name: string, value: string): boolean {
  return /^set-cookie$/i.test(name) && value.startsWith("session_id=");
}

function hasCookie({ headers }: Answer): boolean {
  return headers.some(([name, value]) => isOurs(name, value));
}

function compareNotes(bare: Observation["notes"], ours: Observation["notes"]): string[] {
  const names = [...new Set([...Object.keys(bare), ...Object.keys(ours)])].sort();
  return names.flatMap((name) => ((bare[name] ?? 0) === (ours[name] ?? 0) ? [] : [`${name}: bare ${bare[name] ?? 0} ×, here ${ours[name] ?? 0} ×`]));
}

/** A new session is stored if and only if its cookie went out. */
function compareCookie(column: Column, { transcript, saves }: Observation): string[] {
  if (column.name !== "first visit" || transcript.end === "aborted") return [];
  const cookies = transcript.answers.filter(hasCookie).length;
  if (saves > 0 === cookies > 0) return [];
  return [cookies > 0 ? "a cookie, and nothing stored" : "stored, and no cookie"];
}

/** The error path answers, and nothing of the handler's answer is seen. */
function compareFailure(framework: Framework, bare: Observation, refused: Observation, ours: Observation): string[] {
  const found: string[] = [];
  const say = differ(found);
  say("connection", refused.transcript.end, ours.transcript.end);
  say("number of answers", refused.transcript.answers.length, ours.transcript.answers.length);
  say("bytes beyond the answers", "", ours.transcript.rest);
  for (const [i, answer] of refused.transcript.answers.entries()) {
    const own = ours.transcript.answers[i];
    if (!own) continue;
    say("status line of the error path", answer.line, own.line);
    say("framing", answer.framing, own.framing);
    say("whole", answer.isComplete, own.isComplete);
    say("body of the error path", errorText(framework, answer), errorText(framework, own));
    if (hasCookie(own)) found.push("a cookie, though the save failed");
  }
  return [...found, ...compareCallbacks(bare.notes, ours.notes)];
}

/** Fastify shows an error's message. */
function errorText(framework: Framework, { body }: Answer): string {
  return framework === "fastify" ? body.replace(/"message":".*?(?<!\\)"/, "") : body;
}

/** Every callback runs as often as it does bare, whatever it is given. */
function compareCallbacks(bare: Observation["notes"], ours: Observation["notes"]): string[] {
  return compareNotes(counted(bare), counted(ours));
}

function counted(notes: Observation["notes"]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, count] of Object.entries(notes)) {
    const callback = /^callback of (.*): /.exec(name)?.[0];
    if (callback) counts[callback] = (counts[callback] ?? 0) + count;
  }
  return counts;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text;
}
