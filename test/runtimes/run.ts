import { PARTS, RUNTIMES, type PartName, type Runtime } from "./parts.js";
import type { RowResult } from "./rows.js";

/** What became of a part in a runtime. */
interface Outcome {
  readonly runtime: string;
  readonly part: PartName;
  readonly results: readonly RowResult[];
}

/** `npm run runtimes [-- RUNTIME … PART …]`; answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [runtimes, parts] = chosen(args);
  const versions = new Map<string, string>();
  const outcomes: Outcome[] = [];
  for (const runtime of runtimes) {
    versions.set(runtime.name, await runtime.version().catch((error: unknown) => `does not start: ${String(error)}`));
    for (const part of parts.filter((one) => runtime.parts[one])) {
      const began = performance.now();
      const outcome = { runtime: runtime.name, part, results: await resultsOf(runtime, part) };
      outcomes.push(outcome);
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      console.log(`${runtime.name.padEnd(13)}${part.padEnd(10)}${counts(outcome)} (${seconds} s)`);
    }
  }
  printTable(runtimes, parts, versions, outcomes);
  printLeftOut(outcomes);
  return printEnd(outcomes);
}

function chosen(args: readonly string[]): [runtimes: readonly Runtime[], parts: readonly PartName[]] {
  const names: readonly string[] = [...RUNTIMES.map(({ name }) => name), ...PARTS];
  const unknown = args.filter((one) => !names.includes(one));
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: unknown; there are ${names.join(", ")}`);
  const runtimes = RUNTIMES.filter(({ name }) => args.includes(name));
  const parts = PARTS.filter((name) => args.includes(name));
  return [runtimes.length > 0 ? runtimes : RUNTIMES, parts.length > 0 ? parts : PARTS];
}

/** A part that plays nothing has failed. */
async function resultsOf(runtime: Runtime, part: PartName): Promise<RowResult[]> {
  const results: RowResult[] = [];
  try {
    await runtime.parts[part]!((result) => void results.push(result));
    if (results.every(({ leftOut }) => leftOut !== undefined))
      results.push({ name: "the part", error: "nothing ran" });
  } catch (error) {
    results.push({
      name: "the part",
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
  return results;
}

const isFailed = ({ error }: RowResult): boolean => error !== undefined;
const isPassed = ({ error, leftOut }: RowResult): boolean => error === undefined && leftOut === undefined;

function counts({ results }: Outcome): string {
  const [passed, failed] = [results.filter(isPassed).length, results.filter(isFailed).length];
  return `${passed} passed${failed > 0 ? `, ${failed} failed` : ""}`;
}

const NOT_THERE = "–";

function printTable(
  runtimes: readonly Runtime[],
  parts: readonly PartName[],
  versions: ReadonlyMap<string, string>,
  outcomes: readonly Outcome[],
): void {
  const cell = (runtime: string, part: PartName): string => {
    const outcome = outcomes.find((one) => one.runtime === runtime && one.part === part);
    return outcome ? counts(outcome).replace(" passed", "") : NOT_THERE;
  };
  const rows = [
    ["runtime", "version", ...parts],
    ...runtimes.map(({ name }) => [name, versions.get(name)!, ...parts.map((part) => cell(name, part))]),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  console.log("\npassed:");
  for (const row of rows)
    console.log(
      row
        .map((text, i) => text.padEnd(widths[i]!))
        .join("  ")
        .trimEnd(),
    );
  if (runtimes.some(({ parts: own }) => parts.some((part) => !own[part])))
    console.log(
      `${NOT_THERE}  edge-runtime has no node:crypto: no session is made there, and that it says so is what is tried`,
    );
}

/** What did not run, by its reason. */
function printLeftOut(outcomes: readonly Outcome[]): void {
  const places = new Map<string, string[]>();
  for (const { runtime, part, results } of outcomes) {
    for (const [why, names] of byReason(results)) {
      const some = names.length > 3 ? `${names.length} of ${part}` : names.join("; ");
      places.set(why, [...(places.get(why) ?? []), `${runtime}: ${some}`]);
    }
  }
  if (places.size > 0) console.log("\ndid not run:");
  for (const [why, where] of places) console.log(`- ${why}\n${where.map((one) => `    ${one}`).join("\n")}`);
}

function byReason(results: readonly RowResult[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { name, leftOut } of results)
    if (leftOut !== undefined) found.set(leftOut, [...(found.get(leftOut) ?? []), name]);
  return found;
}

function printEnd(outcomes: readonly Outcome[]): number {
  for (const { runtime, part, results } of outcomes)
    for (const { name, error } of results.filter(isFailed))
      console.log(`\n✖ ${runtime}, ${part}: ${name}\n${error!.replace(/^/gm, "    ")}`);
  const all = outcomes.flatMap(({ results }) => results);
  const failed = all.filter(isFailed).length;
  console.log(`\n${all.filter(isPassed).length} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}
