import type { Note } from "./program.js";

/** One observation that differs; `undefined` where there is none. */
export interface Difference {
  readonly step: string;
  readonly field: string;
  readonly theirs: string | undefined;
  readonly ours: string | undefined;
}

/** What only one side can show: the calls and the number of records of a connect store. */
const OF_STORES: ReadonlySet<string> = new Set(["calls", "count"]);

/** The differences between what express-session did and what the drop-in did. */
export function differences(theirs: readonly Note[], ours: readonly Note[], onStorage: boolean): Difference[] {
  const [a, b] = [keyed(theirs, onStorage), keyed(ours, onStorage)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((key) => a.get(key)?.value !== b.get(key)?.value)
    .map((key) => {
      const { step, field } = (a.get(key) ?? b.get(key))!;
      return { step, field, theirs: a.get(key)?.value, ours: b.get(key)?.value };
    });
}

function keyed(notes: readonly Note[], onStorage: boolean): Map<string, Note> {
  const kept = notes.filter(({ field }) => !onStorage || !OF_STORES.has(field));
  return new Map(kept.map((note) => [`${note.step}\0${note.field}`, note]));
}

/** A difference, in words. */
export function shown({ step, field, theirs, ours }: Difference): string {
  return `${step} › ${field}\n  express-session: ${clipped(theirs)}\n  drop-in:         ${clipped(ours)}`;
}

const LONGEST = 400;

function clipped(text: string | undefined): string {
  if (text === undefined) return "(none)";
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length})` : text;
}
