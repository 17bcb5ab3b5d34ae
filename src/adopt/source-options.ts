import type { AdoptionMap, AdoptionRequest, AdoptionSource } from "../contracts/adoption-source.js";
import { readCookie, cookieName, cookieSettings } from "../cookie/cookie.js";
import { callable, misuse, onlyKeys } from "../util/assert.js";

/** Options that every source has. */
export interface AdoptOptions {
  /**
   * Converts the data of each old session: `{ data, owner?, authenticatedAt? }`. Needed if old values cannot be
   * stored, and to say whose session it is (`passport.user`). Undefined or null: the session is not adopted.
   */
  map?: AdoptionMap;
  /**
   * When no old cookie is valid any more: a Date, an ISO string, or epoch ms. Until then, what was adopted is
   * remembered; after that, old cookies are ignored. Default, with a store: computed from each old session.
   */
  until?: Date | string | number;
  /** Path of the old cookie, so that browsers remove it after the adoption. Default `"/"`. */
  path?: string;
  /** Domain of the old cookie, if it had one. */
  domain?: string;
}

/** Names of the options that every source has. */
export const COMMON: readonly (keyof AdoptOptions)[] = ["map", "until", "path", "domain"];

/** What the function of each source adds. */
export type OwnPart = Pick<AdoptionSource, "library" | "find" | "isSharedByEqualData"> & {
  /** The names of the old cookies in a request. */
  readonly names: (request: AdoptionRequest) => readonly string[];
};

/** Copies the options of a source, and refuses unknown ones. */
export function checkedOptions<T extends AdoptOptions>(
  where: string,
  given: T,
  own: readonly (keyof T & string)[],
): T {
  return onlyKeys(where, given, [...own, ...COMMON]);
}

/** Makes a source from the part of one library and the options that every source has. */
export function sourceOf(where: string, options: AdoptOptions, own: OwnPart): AdoptionSource {
  const { map, path, domain } = options;
  if (map !== undefined) callable(`${where}: map`, map, "(data) => ({ data, owner })");
  cookieSettings({ ...(path !== undefined && { path }), ...(domain !== undefined && { domain }) }, []);
  const { library, find, isSharedByEqualData, names } = own;
  return Object.freeze({
    library,
    find,
    cookies: names,
    isSharedByEqualData,
    map,
    until: options.until === undefined ? undefined : moment(`${where}: until`, options.until),
    attributes: { path, domain },
  });
}

/** Throws if there is no `until`: nothing else says how long a cookie without a record is valid. */
export function assertUntil(where: string, { until }: AdoptOptions): void {
  if (until === undefined)
    throw misuse(
      `${where}: until`,
      until,
      'when the last old cookie is invalid, like until: "2027-03-01": a session in a cookie alone cannot be removed',
    );
}

/** Throws if there is no `map`: a cookie made of the data alone does not say whose it is. */
export function assertMap(where: string, { map }: AdoptOptions): void {
  if (map === undefined)
    throw misuse(
      `${where}: map`,
      map,
      "map: (data) => ({ data, owner: String(data.userId) }): two browsers with the same data have the same cookie, " +
        "so only the owner says that it is the same session; without an owner, each request with it gets a copy",
    );
}

/** The old names that a request contains. */
export function present({ cookies }: AdoptionRequest, names: readonly string[]): readonly string[] {
  return names.filter((name) => readCookie(cookies, name).count > 0);
}

/** Checks the name of an old cookie. */
export function nameOf(where: string, name: unknown): string {
  return cookieName(`${where}: name`, name);
}

function moment(option: string, given: unknown): number {
  const ms = given instanceof Date ? given.getTime() : typeof given === "string" ? Date.parse(given) : given;
  if (typeof ms !== "number" || !Number.isFinite(ms))
    throw misuse(option, given, 'a Date, epoch ms, or a string like "2027-03-01"');
  return ms;
}
