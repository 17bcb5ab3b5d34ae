import { randomText } from "../leaves/random.js";

/** A version for one write: random, so that a key that was deleted and created again never shows an earlier one. */
export function drawVersion(): string {
  return randomText(9);
}
