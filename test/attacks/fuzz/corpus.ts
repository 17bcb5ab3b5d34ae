import { readFileSync } from "node:fs";

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../test/attacks/fuzz/${name}.json`, import.meta.url), "utf8"));

/** Inputs that once were, or might be, the end of somebody's parser. Kept in files beside this one. */
export const COOKIES = read("nasty-cookies") as {
  headers: readonly string[];
  names: readonly string[];
  values: readonly string[];
  paths: readonly string[];
  domains: readonly string[];
};
export const VALUES = read("nasty-values") as readonly string[];
export const TOKENS: readonly string[] = Object.values(
  read("nasty-tokens") as Record<string, readonly string[]>,
).flat();
/** Where the scanner and the `cookie` package read a header differently, and why. */
export const DIFFERENCES = read("differences") as readonly {
  readonly kind: string;
  readonly header: string;
  readonly name: string;
  readonly ours: string | undefined;
  readonly theirs: string;
  readonly why: string;
}[];
