import { mistake } from "../errors.js";
import { CLOCK_SKEW_MS } from "../contracts/storage.js";
import type { CreateOptions, Session, Store } from "../contracts/session-api.js";
import { fromCookie } from "../extractors/sources.js";
import { isWritable, type Extractor } from "../extractors/extractor.js";
import { misplaced, misuse, onlyKeys, outOfRange } from "../util/assert.js";
import { SessionCore, type StoreParts } from "../session/core.js";
import { checkedLogin, checkOwner, OWNED_FOR_MS } from "../session/owner.js";
import { ABSENT } from "../session/records.js";
import type { InputsOf } from "../session-data.js";
import { settingsOf } from "../session/request-options.js";
import { makeSession } from "../session/session.js";
import { partsOf } from "../session/store.js";

/** The part of the result of `session()` that is used, for every framework. */
export interface Seedable<D extends object> {
  readonly store: Store<D>;
}

/** Options of `seed`. */
export interface SeedOptions extends CreateOptions {
  /**
   * When the owner logged in, in epoch ms; default: now. The absolute timeout counts from then, the idle timeout from
   * now. For pages that check `authenticatedWithin("5m")`.
   */
  authenticatedAt?: number;
}

/**
 * Stores a session and returns the request headers of a client that has it, so that a test can start with any session.
 * With a store instead of the result of `session()`, the cookie is named `session_id`.
 *
 * @example
 * ```ts
 * const headers = await seed(sessions, { cart: ["rope"] }, { owner: "user-1" });   // { cookie: "session_id=…" }
 * await fetch(url, { headers });
 * ```
 * @param sessions - the result of `session({ … })`, or a store of `createStore({ … })`
 * @param data - data of the session
 * @param options - `owner`: owner, as after `authenticate`; `authenticatedAt`: time of the login; `info`,
 *   `idleTimeout`, `absoluteTimeout` and `sessionOnly` as for `authenticate`
 * @returns the headers a client sends, with lower-case names
 * @throws {TypeError} if the session is not found by a header, or an option is invalid, like `authenticatedAt` without
 *   an `owner`
 * @throws {RangeError} if `authenticatedAt` is in the future, or so long ago that the session would have expired
 */
export async function seed<D extends object>(
  sessions: Seedable<D> | Store<D>,
  data: InputsOf<D> = {},
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
  data: InputsOf<D>,
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

/** A login cannot be in the future, and the session must not have reached its absolute timeout. */
function checkMoment(at: number, { settings }: StoreParts, lifetime: number = OWNED_FOR_MS): void {
  if (typeof at !== "number" || !Number.isFinite(at))
    throw misuse("seed.authenticatedAt", at, "Date.now() - 10 * 60_000: a time in epoch ms");
  const now = settings.clock.now();
  if (at > now + CLOCK_SKEW_MS) throw outOfRange("seed.authenticatedAt", at, `at most the present, ${now}`);
  if (at + lifetime <= now)
    throw outOfRange("seed.authenticatedAt", at, `after ${now - lifetime}: the absolute timeout has ended it by now`);
}

/** The format of Playwright's `storageState`. */
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
 * Converts the cookies of seeded headers to a browser state, for Playwright's `storageState`: a page opened with it is
 * the page of a user who has that session.
 *
 * @example
 * ```ts
 * const headers = await seed(sessions, {}, { owner: "user-1" });
 * const context = await browser.newContext({ storageState: storageState(headers, "http://localhost:3000") });
 * ```
 * @param headers - the result of `seed`
 * @param origin - URL of the application, like `"http://localhost:3000"`
 * @returns the state, with one cookie for each one in the headers
 * @throws {TypeError} if `headers` has no cookie, or `origin` is not a URL
 */
export function storageState(headers: Readonly<Record<string, string>>, origin: string): BrowserState {
  const { cookie } = Object(headers) as Readonly<Record<string, string>>;
  if (typeof cookie !== "string")
    throw misuse("storageState", headers, "the result of seed(), for sessions whose token is in a cookie");
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
  throw misuse("storageState.origin", origin, '"http://localhost:3000", the URL of the application');
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
  if (!settings) throw misplaced("seed", sessions, "the result of session({ … }), or a store of createStore({ … })");
  const { store } = sessions as Seedable<D>;
  return { store, parts: partsOf(store)!, extractor: settings.extractor };
}

/**
 * Returns the places in which a client sends the token: every place that it was sent in; if none can be written, the
 * Authorization header.
 */
function carriersOf({ members }: Extractor): readonly Extractor[] {
  const writable = members.filter(isWritable);
  const carriers = writable.length > 0 ? writable : members.filter(({ source }) => source === "auth-header");
  if (carriers.length === 0)
    throw mistake(
      "wrong-call",
      "seed: this extractor reads no header; write sessions.store.create(data) and send its token " +
        "where the extractor reads it",
    );
  return carriers;
}
