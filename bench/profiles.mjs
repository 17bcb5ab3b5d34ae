/** Profiles as V8 writes them, summed up: which files and which functions it was that took the time, or the bytes. */
import { number, table } from "./tables.mjs";

const FILES = 16;
const FUNCTIONS = 30;
const IDLE = ["(idle)", "(program)"];

/** Of a CPU profile: the time of each sample, in µs, with the function that ran: `[{ frame, amount }]`. */
export function timesOf({ nodes, samples, timeDeltas }) {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const all = samples.map((id, i) => ({ frame: frames.get(id), amount: timeDeltas[i] }));
  return all.filter(({ frame }) => !IDLE.includes(frame.functionName));
}

/** Of an allocation profile: the bytes that each function allocated itself: `[{ frame, amount }]`. */
export function bytesOf({ head }) {
  const parts = [];
  const waiting = [head];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (node.selfSize > 0) parts.push({ frame: node.callFrame, amount: node.selfSize });
    waiting.push(...node.children);
  }
  return parts;
}

/** The sum of all parts. */
export function totalOf(parts) {
  return parts.reduce((sum, { amount }) => sum + amount, 0);
}

/**
 * Two tables, by file and by function, the largest first: shares, and amounts a request where the number of
 * `requests` is given.
 */
export function summary(parts, requests) {
  return [
    ...ranked("by file", parts, fileOf, FILES, requests),
    ...ranked("by function", parts, functionOf, FUNCTIONS, requests),
  ];
}

function ranked(title, parts, nameOf, most, requests) {
  const sums = new Map();
  for (const { frame, amount } of parts) sums.set(nameOf(frame), (sums.get(nameOf(frame)) ?? 0) + amount);
  const total = totalOf(parts);
  const rows = [...sums].sort(([, a], [, b]) => b - a).slice(0, most);
  const each = (sum) => (requests === undefined ? "" : number(sum / requests));
  return table([
    [title, "", "", ""],
    ...rows.map(([name, sum]) => [name, each(sum), `${((sum / total) * 100).toFixed(1)} %`, ""]),
  ]);
}

function fileOf({ url, functionName }) {
  return placeOf(url) || functionName;
}

function functionOf({ url, functionName, lineNumber }) {
  return `${functionName || "(anonymous)"}  ${placeOf(url)}${url ? `:${lineNumber + 1}` : ""}`;
}

function placeOf(url) {
  return url.replace(/^file:\/\/.*\/(?=(bench|dist)\/)/, "").replace(/^.*node_modules\//, "");
}
