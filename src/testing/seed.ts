import { CLOCK_SKEW_MS } from "../contracts/storage.js";
import type { CreateOptions, Session, Store } from "../contracts/session-api.js";
import { fromCookie } from "../extractors/sources.js";
import { isWritable, type Extractor } from "../extractors/extractor.js";
import { misplaced, misuse, onlyKeys, outOfRange } from "../util/assert.js";
import { SessionCore, type StoreParts } from "../session/core.js";
import { checkedLogin, checkOwner, OWNED_FOR_MS } from "../session/owner.js";
import { ABSENT } from "../session/records.js";
import { settingsOf } from "../session/request-options.js";
import { makeSession } from "../session/session.js";
import { partsOf } from "../session/store.js";

/** What `session()` returns, whatever the framework. */
export interface Seedable<D extends object> {
  readonly store: Store<D>;
}

/** Whose session is seeded, and since when. */
export interface SeedOptions extends CreateOptions {
  /**
   * When the owner authenticated, epoch ms; default: now. The absolute timeout counts from then on, the idle timeout
   * from now. For pages that ask `authenticatedWithin("5m")`.
   */
  authenticatedAt?: number;
}

/**
 * Stores a session and returns the request headers of a client that has it, so that a test starts where it wants to.
 *
 * Given a store instead of what `session()` returns, the cookie is called `session_id`.
 *
 * @example
 * ```ts
 * const headers = await seed(sessions, { cart: ["rope"] }, { owner: "user-1" });   // { cookie: "session_id=…" }
 * await fetch(url, { headers });
 * ```
 * @param sessions - what `session({ … })` returned, or a store of `createStore({ … })`
 * @param data - what is in the session
 * @param options - `owner`: whose session it is, as after `authenticate`; `authenticatedAt`: since when; `info`,
 *   `idleTimeout`, `absoluteTimeout` and `sessionOnly` as for `authenticate`
 * @returns the headers a client sends, with lower-case names
 * @throws {TypeError} if the session is found by no header, or an option is not usable, like `authenticatedAt` without
 *   an `owner`
 * @throws {RangeError} if `authenticatedAt` is in the future, or so long ago that the session would have ended
 */
export async function seed<D extends object>(
  sessions: Seedable<D> | Store<D>,
  data: Partial<D> = {},
  options: SeedOptions = {},
): Promise<Record<string, string>> {
  const { store, parts, extractor } = target(sessions);
  const carriers = carriersOf(extractor);
  const token = await seeded(store, parts, data, options);
  const headers: Record<string, string> = {};
  for (const { source, key } of carriers) {
    if (source === "header") headers[key.toLowerCase()] = token;
    else if (source === "auth-header") headers["authorization"] = `${key} ${token}`;
    else headers["cookie"] = [headers["cookie"], `${key}=${token}`].filter(Boolean).join("; ");
  }
  return headers;
}

/** Stores the session; returns its token. */
async function seeded<D extends object>(
  store: Store<D>,
  parts: StoreParts,
  data: Partial<D>,
  options: SeedOptions,
): Promise<string> {
  const { authenticatedAt, ...created } = onlyKeys<SeedOptions>("seed", options, OPTIONS);
  if (authenticatedAt === undefined) return (await store.create(data, created)).token;
  const { owner, ...login } = created;
  if (owner === undefined)
    throw misuse("seed.authenticatedAt without an owner", authenticatedAt, '{ owner: "user-1", authenticatedAt }');
  checkOwner(owner);
  const asked = checkedLogin(login);
  checkMoment(authenticatedAt, parts, asked.terms?.lifetime ?? parts.settings.absolute);
  const core = new SessionCore(parts, ABSENT, undefined, undefined, authenticatedAt);
  const session: Session<any> = makeSession(core);
  for (const [key, value] of Object.entries(data)) session.set(key, value);
  await core.authenticate(owner, asked, authenticatedAt);
  return core.token;
}

const OPTIONS = ["owner", "info", "authenticatedAt", "idleTimeout", "absoluteTimeout", "sessionOnly"] as const;

/** A login in the future is none, and one before the absolute timeout has ended. */
function checkMoment(at: number, { settings }: StoreParts, lifetime: number = OWNED_FOR_MS): void {
  if (typeof at !== "number" || !Number.isFinite(at))
    throw misuse("seed.authenticatedAt", at, "Date.now() - 10 * 60_000: a time in epoch ms");
  const now = settings.clock.now();
  if (at > now + CLOCK_SKEW_MS) throw outOfRange("seed.authenticatedAt", at, `at most the present, ${now}`);
  if (at + lifetime <= now)
    throw outOfRange("seed.authenticatedAt", at, `after ${now - lifetime}: the absolute timeout has ended it by now`);
}

/** What Playwright's `storageState` takes. */
export interface BrowserState {
  cookies: {
    name: string;
    value: string;
    domain: string;
    path: string;
    expires: number;
    httpOnly: boolean;
    secure: boolean;
    sameSite: "Lax";
  }[];
  origins: [];
}

/**
 * The cookies of seeded headers as a browser's state, for Playwright's `storageState`: a page opened with it is the
 * page of somebody who has that session.
 *
 * @example
 * ```ts
 * const headers = await seed(sessions, {}, { owner: "user-1" });
 * const context = await browser.newContext({ storageState: storageState(headers, "http://localhost:3000") });
 * ```
 * @param headers - what `seed` returned
 * @param origin - where the application is, like `"http://localhost:3000"`
 * @returns the state, with one cookie for each one in the headers
 * @throws {TypeError} if `headers` has no cookie, or `origin` is no URL
 */
export function storageState(headers: Readonly<Record<string, string>>, origin: string): BrowserState {
  const { cookie } = Object(headers) as Readonly<Record<string, string>>;
  if (typeof cookie !== "string")
    throw misuse("storageState", headers, "what seed() returned, of sessions whose token is in a cookie");
  const at = parsed(origin);
  return { cookies: cookie.split("; ").map((pair) => browserCookie(pair, at)), origins: [] };
}

function browserCookie(pair: string, { hostname, protocol }: URL): BrowserState["cookies"][number] {
  const at = pair.indexOf("=");
  const name = pair.slice(0, at);
  const secure = protocol === "https:" || /^__(Host|Secure)-/.test(name);
  const attributes = { domain: hostname, path: "/", expires: -1, httpOnly: true, secure, sameSite: "Lax" } as const;
  return { name, value: pair.slice(at + 1), ...attributes };
}

function parsed(origin: string): URL {
  const url = URL.canParse(origin) ? new URL(origin) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw misuse("storageState.origin", origin, '"http://localhost:3000": where the application is');
}

interface Target<D extends object> {
  readonly store: Store<D>;
  readonly parts: StoreParts;
  readonly extractor: Extractor;
}

function target<D extends object>(sessions: Seedable<D> | Store<D>): Target<D> {
  const parts = partsOf(sessions);
  if (parts) return { store: sessions as Store<D>, parts, extractor: fromCookie() };
  const settings = settingsOf(sessions);
  if (!settings) throw misplaced("seed", sessions, "what session({ … }) returned, or a store of createStore({ … })");
  const { store } = sessions as Seedable<D>;
  return { store, parts: partsOf(store)!, extractor: settings.extractor };
}

/**
 * What a client sends back: every place in which it was sent the token; if none can be written, the Authorization
 * header.
 */
function carriersOf({ members }: Extractor): readonly Extractor[] {
  const writable = members.filter(isWritable);
  const carriers = writable.length > 0 ? writable : members.filter(({ source }) => source === "auth-header");
  if (carriers.length === 0)
    throw new TypeError(
      "holdfast: seed: this extractor reads no header; write sessions.store.create(data) and send its token " +
        "where you look for it",
    );
  return carriers;
}
