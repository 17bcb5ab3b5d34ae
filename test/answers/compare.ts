import { constants, gunzipSync } from "node:zlib";
import type { Observation } from "./cell.js";
import type { Column } from "./columns.js";
import type { Framework, Row } from "./row.js";
import type { Answer, Transcript } from "./transcript.js";
import { NEXT_BODY } from "./wire.js";

/** What a cell is compared with. */
export interface References {
  /** The program without a session. */
  readonly bare: Observation;
  /** The program whose session fails at once. */
  readonly refused: Observation;
}

/** How what was seen differs from what should have been; empty where it does not. */
export function differences(
  row: Row,
  framework: Framework,
  column: Column,
  { bare, refused }: References,
  ours: Observation,
): string[] {
  if (bare.crashes.length > 0) return noWorse(bare, ours);
  if (column.save === "fails" && row.whenSaveFails !== "as bare")
    return compareSaveThatFails(row, framework, { bare, refused }, ours);
  return [
    ...compareCrashes(ours),
    ...compareTranscripts(row, framework, column, bare.transcript, ours.transcript),
    ...compareNotesOf(row, bare, ours),
    ...compareCookie(column, bare, ours),
    ...compareSaves(column, ours),
  ];
}

/** Without a session the process would have ended: nothing is to be worse than that. */
function noWorse(bare: Observation, ours: Observation): string[] {
  if (ours.crashes.length > bare.crashes.length)
    return [`crashes: bare ${bare.crashes.length}, here ${ours.crashes.join(" · ")}`];
  return ours.crashes.length === 0 && ours.transcript.end.includes("hung") ? ["hangs"] : [];
}

function compareCrashes({ crashes }: Observation): string[] {
  return crashes.map((crash) => `the process ends: ${crash}`);
}

/** What came of an answer that was broken off is chance: that it was is what counts. */
function withoutCut({ answers, rest, end }: Transcript): Transcript {
  const isCut =
    end !== "hung" && (answers.some(({ isComplete }) => !isComplete) || (end === "closed" && answers.length === 0));
  return {
    answers: isCut ? answers.filter(({ isComplete }) => isComplete) : answers,
    rest: rest.replace(/\bDate: .*? GMT/g, "Date: …"),
    end: isCut ? `${end}, an answer broken off` : end,
  };
}

function compareTranscripts(
  row: Row,
  framework: Framework,
  column: Column,
  whole: Transcript,
  seen: Transcript,
): string[] {
  const [bare, ours] = [withoutCut(whole), withoutCut(seen)];
  const found: string[] = [];
  const say = differ(found);
  say("connection", bare.end, ours.end);
  say("number of answers", bare.answers.length, ours.answers.length);
  say("bytes beyond the answers", bare.rest, ours.rest);
  for (const [i, answer] of bare.answers.entries())
    if (ours.answers[i]) compareAnswers(say, row, framework, column, answer, ours.answers[i]);
  return found;
}

type Say = (what: string, theirs: unknown, ours: unknown) => void;

function differ(found: string[], other: string = "bare"): Say {
  return (what, theirs, ours) => {
    if (JSON.stringify(theirs) !== JSON.stringify(ours))
      found.push(`${what}: ${other} ${shown(theirs)}, here ${shown(ours)}`);
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
 * The headers that have to be equal. Those about caching are the session's own business, where the session was used.
 * The order and the case of names count where the program writes them, not where a web `Headers` object does, and not
 * on HTTP/2.
 */
function headersOf({ headers }: Answer, { volatile = [] }: Row, framework: Framework, mayChange: boolean): string[] {
  const isWeb = framework === "hono" || framework === "fetch" || framework === "http2";
  const lines = headers
    .map(([name, value]) => [isWeb ? name.toLowerCase() : name, value] as const)
    .filter(([name, value]) => !isOurs(name, value) && !(mayChange && CACHING.test(name)))
    .map(([name, value]) =>
      /^date$/i.test(name) || volatile.includes(name.toLowerCase()) ? `${name}: …` : `${name}: ${value}`,
    );
  return isWeb ? lines.sort() : lines;
}

function isOurs(name: string, value: string): boolean {
  return /^set-cookie$/i.test(name) && value.startsWith("session_id=");
}

function hasCookie({ headers }: Answer): boolean {
  return headers.some(([name, value]) => isOurs(name, value));
}

/** Where the answer was broken off, what callbacks are told of it is chance, too. */
function compareNotesOf({ isRace }: Row, bare: Observation, ours: Observation): string[] {
  if (isRace) return [];
  if (!withoutCut(bare.transcript).end.includes("broken off")) return compareNotes(bare.notes, ours.notes);
  return compareNotes(counted(bare.notes, true), counted(ours.notes, true));
}

function compareNotes(bare: Observation["notes"], ours: Observation["notes"]): string[] {
  const names = [...new Set([...Object.keys(bare), ...Object.keys(ours)])].sort();
  return names.flatMap((name) =>
    (bare[name] ?? 0) === (ours[name] ?? 0) ? [] : [`${name}: bare ${bare[name] ?? 0} ×, here ${ours[name] ?? 0} ×`],
  );
}

/** A new session is stored if and only if its cookie went out; where nobody got an answer, nobody can say. */
function compareCookie(column: Column, bare: Observation, { transcript, saves }: Observation): string[] {
  const isAnswered = [bare.transcript, transcript].every((one) => withoutCut(one).answers.some(isOwn));
  if (column.name !== "first visit" || !isAnswered) return [];
  const cookies = transcript.answers.filter(hasCookie).length;
  if (saves > 0 === cookies > 0) return [];
  return [cookies > 0 ? "a cookie, and nothing stored" : "stored, and no cookie"];
}

/** A final answer of the program, not of the harness. */
function isOwn({ status, body }: Answer): boolean {
  return status >= 200 && body !== NEXT_BODY;
}

/** What is written is saved, or an event says that it is not. */
function compareSaves({ use, save }: Column, { writes, saves, events }: Observation): string[] {
  const isDue = use === "writes" && save !== "fails" && writes > 0;
  return isDue && saves === 0 && !events.some((type) => /^(unsaved|dropped)$/.test(type))
    ? ["written, neither saved nor said to be unsaved"]
    : [];
}

function compareSaveThatFails(
  { whenSaveFails, isRace }: Row,
  framework: Framework,
  { bare, refused }: References,
  ours: Observation,
): string[] {
  const callbacks = isRace ? [] : compareCallbacks(bare.notes, ours.notes);
  if (whenSaveFails === "nothing") return [...compareCrashes(ours), ...nothingSeen(bare, ours), ...callbacks];
  if (refused.crashes.length > 0) return noWorse(refused, ours);
  if (whenSaveFails === "last resort" && isRefusal(bare, ours)) return [...compareCrashes(ours), ...callbacks];
  return [...compareCrashes(ours), ...compareFailure(framework, bare, refused, ours), ...callbacks];
}

/** Whether the first answer is a whole 503 of its own. */
function isRefusal(bare: Observation, { transcript }: Observation): boolean {
  const first = transcript.answers.find(isOwn);
  return (
    first?.status === 503 &&
    first.isComplete &&
    transcript.end !== "hung" &&
    first.body !== bare.transcript.answers[0]?.body
  );
}

/** An error's answer may be there. */
function nothingSeen(bare: Observation, { transcript }: Observation): string[] {
  const leaked = transcript.answers.filter((answer) => isOwn(answer) && answer.status < 500);
  const found = leaked.map(({ line, body }) => `the answer is seen though the save failed: ${line} ${shown(body)}`);
  return transcript.end.includes("hung") && !bare.transcript.end.includes("hung") ? [...found, "hangs"] : found;
}

/**
 * The error path answers, and nothing of the handler's answer is seen. What was sent before as information stays;
 * that the handler wanted the connection closed may.
 */
function compareFailure(
  framework: Framework,
  bare: Observation,
  refused: Observation,
  { transcript }: Observation,
): string[] {
  const found: string[] = [];
  const say = differ(found, "error path");
  const isClosed = bare.transcript.end === "closed" && transcript.end === "closed";
  const [theirs, ours] = [refused.transcript, transcript].map(({ answers }) =>
    answers.filter(({ status }) => status >= 200).slice(0, isClosed ? 1 : undefined),
  ) as [Answer[], Answer[]];
  if (!isClosed) say("connection", refused.transcript.end, transcript.end);
  say("number of answers", theirs.length, ours.length);
  say("bytes beyond the answers", "", transcript.rest);
  for (const [i, answer] of theirs.entries()) {
    const own = ours[i];
    if (!own) continue;
    say("status line", answer.line, own.line);
    say("framing", answer.framing, own.framing);
    say("whole", answer.isComplete, own.isComplete);
    say("body", errorText(framework, answer), errorText(framework, own));
    if (hasCookie(own)) found.push("a cookie, though the save failed");
  }
  return found;
}

/** Fastify shows an error's message. */
function errorText(framework: Framework, answer: Answer): string {
  const text = textOf(answer);
  return framework === "fastify" ? text.replace(/"message":".*?(?<!\\)"/, "") : text;
}

function textOf({ headers, body }: Answer): string {
  const isZipped = headers.some(([name, value]) => /^content-encoding$/i.test(name) && value === "gzip");
  return isZipped
    ? gunzipSync(Buffer.from(body, "latin1"), { finishFlush: constants.Z_SYNC_FLUSH }).toString("latin1")
    : body;
}

/** Every callback that runs bare runs, whatever it is given. */
function compareCallbacks(bare: Observation["notes"], ours: Observation["notes"]): string[] {
  const [theirs, own] = [counted(bare), counted(ours)];
  return Object.entries(theirs).flatMap(([name, count]) =>
    own[name] === count ? [] : [`${name}bare ${count} ×, here ${own[name] ?? 0} ×`],
  );
}

/** The callbacks, whatever they were given; `withOthers`: all other notes as they are. */
function counted(notes: Observation["notes"], withOthers: boolean = false): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [name, count] of Object.entries(notes)) {
    const key = /^callback of (.*): /.exec(name)?.[0] ?? (withOthers ? name : undefined);
    if (key !== undefined) counts[key] = (counts[key] ?? 0) + count;
  }
  return counts;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text;
}
