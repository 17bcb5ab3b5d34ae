/** What was seen, as a table: a row for each probe, a column for each library. */

/** Holdfast ran on several frameworks: where the outcomes are the same they are one column. */
export function tableOf({ lines, results }) {
  const columns = new Map();
  for (const result of results) {
    const title = `${result.library} ${result.version}`;
    columns.set(title, [...(columns.get(title) ?? []), result]);
  }
  const rows = lines.map(({ id, line }) => [
    line,
    ...[...columns.values()].map((group) =>
      [...new Set(group.map(({ outcomes }) => cellOf(outcomes[id])))].join(" / "),
    ),
  ]);
  return [["", ...columns.keys()], ...rows];
}

function cellOf(outcome) {
  if (!outcome) return "–";
  return outcome.says ?? (outcome.kept ? "yes" : "no");
}

/** For a terminal: the table, what was measured on what, and what was seen where something is not kept. */
export function plain(seen) {
  const [titles, ...rows] = tableOf(seen);
  const first = Math.max(...rows.map(([line]) => line.length));
  const show = (row) =>
    row
      .map((cell, i) => cell.padEnd(i === 0 ? first : titles[i].length))
      .join("  ")
      .trimEnd();
  const table = [titles, ...rows].map(show).join("\n");
  const lost = seen.results.flatMap(({ library, outcomes }) =>
    seen.lines
      .filter(({ id }) => outcomes[id]?.kept === false)
      .map(({ id }) => `${library}, ${id}: ${outcomes[id].saw}`),
  );
  return `${[table, measured(seen), setups(seen).join("\n"), lost.join("\n")].join("\n\n")}\n`;
}

/** For docs/understand/comparison.md. */
export function markdown(seen) {
  const [titles, ...rows] = tableOf(seen);
  const show = (row) => `| ${row.map((cell) => (cell === "no" ? "**no**" : cell)).join(" | ")} |`;
  const table = [show(titles), `|${titles.map(() => "---").join("|")}|`, ...rows.map(show)].join("\n");
  return `${[
    table,
    measured(seen),
    setups(seen)
      .map((line) => `- ${line}`)
      .join("\n"),
  ].join("\n\n")}\n`;
}

function measured({ date, node, redis, client }) {
  return `Measured on ${date} with Node ${node}, Redis ${redis} and its client redis ${client}.`;
}

function setups({ results }) {
  const libraries = [...new Set(results.map(({ library }) => library))];
  return libraries.map((library) => {
    const group = results.filter((result) => result.library === library);
    const packages = [...new Set(group.flatMap((result) => result.packages))];
    return `${library} with ${packages.join(", ")}: ${group[0].setup}.`;
  });
}
