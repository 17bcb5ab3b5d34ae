/** Results as text. */
import { targetsOf, TARGETS } from "./targets.mjs";
import { KINDS } from "./kinds.mjs";

const HEADS = [
  "",
  "CPU µs",
  "× bare",
  "(quartiles)",
  "added µs",
  "× floor",
  "(quartiles)",
  "of node",
  "req/s",
  "p50 ms",
  "p99 ms",
  "targets",
];
const SHORT = { ofFloor: "floor", ofNode: "node", ofPeers: "peers" };

/** The table of one group. */
export function groupTable(group) {
  const { framework, storage, latency, results } = group;
  const lines = [`\n${framework}, ${storage}${latency > 0 ? `, ${latency} ms to the database and back` : ""}`];
  for (const kind of Object.keys(KINDS)) {
    const rows = results.filter((result) => result.kind === kind).sort((a, b) => a.cpu.median - b.cpu.median);
    if (rows.length === 0) continue;
    lines.push(`\n  ${kind}: ${KINDS[kind].says}`, ...table([HEADS, ...rows.map((row) => cells(row, group))]));
  }
  return lines.join("\n");
}

/** Rows of texts as aligned lines, the first column to the left. */
export function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) =>
    `    ${row.map((text, i) => (i === 0 || i === row.length - 1 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join("  ")}`.trimEnd(),
  );
}

/** What a target is called, and whether it was reached. */
export function verdict({ name, value, passed }) {
  return `${SHORT[name] ?? name} ${number(value)} ${passed ? "pass" : "MISS"}`;
}

/** What the targets of requests say, for the foot of a report. */
export function targetLines() {
  return Object.entries(SHORT).map(([name, short]) => `    ${short.padEnd(6)} ${targetLine(name)}`);
}

/** What a target says. */
export function targetLine(name) {
  const { says, most, least } = TARGETS[name];
  return `${says} ${most ?? least}`;
}

/** Three digits that matter. */
export function number(value) {
  if (value === undefined || Number.isNaN(value)) return "";
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function cells(row, group) {
  const targets = targetsOf(row, group).map(verdict).join(", ");
  const of = (quartiles) => number(quartiles?.median);
  const range = (quartiles) => (quartiles ? `${number(quartiles.q1)}–${number(quartiles.q3)}` : "");
  return [
    row.name,
    of(row.cpu),
    of(row.cpuOfBare),
    range(row.cpuOfBare),
    of(row.added),
    of(row.addedOfFloor),
    range(row.addedOfFloor),
    of(row.addedOfNode),
    of(row.perSecond),
    of(row.p50),
    of(row.p99),
    targets,
  ];
}
