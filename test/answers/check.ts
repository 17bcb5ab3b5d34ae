import type { Row } from "./row.js";

/** Throws where two rows have one name on one framework, or a row is on none. */
export function assertRows(rows: readonly Row[]): readonly Row[] {
  const seen = new Set<string>();
  for (const { name, on } of rows) {
    if (on.length === 0) throw new Error(`the row "${name}" is on no framework`);
    for (const framework of on) {
      const key = `${framework} › ${name}`;
      if (seen.has(key)) throw new Error(`two rows are called ${key}`);
      seen.add(key);
    }
  }
  return rows;
}
