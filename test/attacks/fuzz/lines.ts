import type { CookieOptions } from "#dist/cookie/cookie.js";
import { COOKIES } from "./corpus.js";
import { HOLDFAST } from "./subject.js";

/** A Set-Cookie line that the writer made, and what a browser has to keep of it. */
export interface Line {
  readonly line: string;
  readonly name: string;
  readonly value: string;
  readonly options: CookieOptions;
}

/** Every line that the writer makes of the corpus, over https: for models of browsers, and for real ones. */
export function lines(value: string = "AbC-_09.~"): readonly Line[] {
  const attributes: readonly CookieOptions[] = [
    {},
    { sameSite: "strict" },
    { sameSite: "none" },
    { partitioned: true },
    { sessionOnly: true },
    { priority: "high" },
    { httpOnly: false },
  ];
  const places: readonly CookieOptions[] = [
    ...COOKIES.paths.map((path) => ({ path })),
    ...COOKIES.domains.map((domain) => ({ domain })),
  ];
  return COOKIES.names.flatMap((name) =>
    places.flatMap((place) => attributes.flatMap((more) => written(name, value, { ...place, ...more }))),
  );
}

/** Nothing where the writer refuses. */
function written(name: string, value: string, options: CookieOptions): Line[] {
  try {
    return [{ line: HOLDFAST.writeCookie(name, value, 60_000, true, options), name, value, options }];
  } catch (error) {
    if (error instanceof TypeError) return [];
    throw error;
  }
}
