/** The middle of many short measurements: a neighbour's noise moves a mean, not a median. */

/** `{ median, q1, q3 }`; undefined of nothing. */
export function quartiles(values) {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return { median: at(sorted, 0.5), q1: at(sorted, 0.25), q3: at(sorted, 0.75) };
}

export const median = (values) => quartiles(values)?.median;

function at(sorted, share) {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  return below + (sorted[Math.ceil(place)] - below) * (place - Math.floor(place));
}
