/** Longer names are not compared: it would take long, and they are not misspelt options. */
const LONGEST = 40;

/**
 * Returns the most similar of several names, if a misspelling explains the difference: other capitals, or a third of
 * the letters at most.
 */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > LONGEST) return undefined;
  const wanted = name.toLowerCase();
  let [best, least]: [string | undefined, number] = [undefined, Math.floor(wanted.length / 3) + 1];
  for (const candidate of names) {
    const distance = distanceOf(wanted, candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** The number of letters to insert, remove or replace until one word is the other. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(row[j]! + Number(a[i] !== b[j]), row[j + 1]! + 1, next[j]! + 1));
    row = next;
  }
  return row[b.length]!;
}
