/** What a soak says of itself. */
import type { Entry } from "./checker.js";
import type { Outcome } from "./run.js";
import { ADAPTERS } from "./site.js";

const SHOWN = 5;

/** How many rules held, and how many did not. */
export function tally({ verdicts }: Outcome): { readonly passed: number; readonly failed: number } {
  const failed = verdicts.filter(({ violations }) => violations.length > 0).length;
  return { passed: verdicts.length - failed, failed };
}

/** Everything worth knowing about one storage, in lines. */
export function report({ kind, log, verdicts, refused, kills, clocks, gap }: Outcome): string {
  const servers = clocks.map(
    (offset, nth) =>
      `${ADAPTERS[nth % ADAPTERS.length]} ${offset < 0 ? "−" : "+"}${Math.round(Math.abs(offset) / 1000)} s`,
  );
  const lines = [
    `${kind}: ${log.length} requests; servers and how far their clocks are off: ${servers.join(", ")}`,
    `  asked: ${counted(log, ({ act }) => act)}`,
    `  answered: ${counted(log, ({ status }) => `${status}`)}; ${refused} were not sent, the server being down`,
    `  killed: servers ${kills.servers} times, the database ${kind === "sqlite" ? "is a file" : `${kills.database} times`}; longest time without service: ${Math.round(gap)} ms`,
    ...verdicts.flatMap(({ rule, checked, violations }) => [
      `  ${violations.length > 0 ? "✖" : "✔"} ${rule} (${checked} checked)`,
      ...some(violations),
    ]),
  ];
  return lines.join("\n");
}

function counted(log: readonly Entry[], by: (entry: Entry) => string): string {
  const counts = new Map<string, number>();
  for (const entry of log) counts.set(by(entry), (counts.get(by(entry)) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

function some(violations: readonly string[]): readonly string[] {
  const rest = violations.length - SHOWN;
  return [...violations.slice(0, SHOWN), ...(rest > 0 ? [`… and ${rest} more`] : [])].map((line) => `      ${line}`);
}
