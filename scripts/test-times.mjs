/**
 * How long test files take, and how much of that they compute: so the longest begin first, and what mostly waits runs
 * beside what computes. `npm test -- --times` runs everything and writes it anew; a quiet machine gives good figures.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

const FILE = join(root, "scripts", "test-times.json");
/** What takes less is not listed. */
const LISTED_S = 4;
/** Of a file that is not listed. */
const SHORT = { seconds: 2, cpu: 2 };
/** Whatever waits still takes something. */
const LEAST_LOAD = 0.2;

/** `{ seconds, cpu }` by test file, without its ending. */
export function readTimes() {
  return JSON.parse(readFileSync(FILE, "utf8"));
}

/** Writes what was measured, the longest first. */
export function writeTimes(measured) {
  const listed = Object.entries(measured)
    .filter(([, { seconds }]) => seconds >= LISTED_S)
    .sort(([, a], [, b]) => b.seconds - a.seconds)
    .map(([name, { seconds, cpu }]) => [name, { seconds: Math.round(seconds), cpu: Math.round(cpu) }]);
  const lines = listed.map((entry) => `  ${entry.map((one) => JSON.stringify(one)).join(": ")}`);
  writeFileSync(FILE, `{\n${lines.join(",\n")}\n}\n`);
}

/** A test file's name in the list. */
export function nameOf(file) {
  return file.replaceAll("\\", "/").replace(/\.test\.js$/, "");
}

/** Orders test files of `build`: the longest first. */
export function longestFirst(files, times) {
  const secondsOf = (file) => (times[nameOf(file)] ?? SHORT).seconds;
  return files.toSorted((a, b) => secondsOf(b) - secondsOf(a) || a.localeCompare(b, "en"));
}

/** How many processors a file keeps busy: one, or less where it waits. */
export function loadOf(file, times) {
  const { seconds, cpu } = times[nameOf(file)] ?? SHORT;
  return Math.min(1, Math.max(LEAST_LOAD, cpu / seconds));
}
