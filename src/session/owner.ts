import type { AuthenticateOptions, SessionInfo } from "../contracts/session-api.js";
import { boolean, isPlainObject, misuse, onlyKeys, outOfRange } from "../util/assert.js";
import { utf8Length } from "../util/bytes.js";
import { OTHER_LOGIN_OPTIONS } from "../util/other-names.js";
import { milliseconds, type Duration } from "../util/time.js";
import type { Parked } from "../codecs/record.js";
import { SessionError } from "../errors.js";
import type { Birth, Login } from "./persistence.js";

/**
 * Maximum lifetime of a session with an owner without `absoluteTimeout`, in ms: the time that a browser keeps a cookie
 * (RFC 6265bis, 5.6.2), so that the owner list expires at some time.
 */
export const OWNED_FOR_MS: number = 400 * 24 * 60 * 60_000;

const MOST_CHARACTERS = 256;
const MOST_INFO_BYTES = 512;
/** A surrogate without its other half: two such strings would be equal in UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Validated options of a login. */
export interface Asked {
  readonly info: SessionInfo | undefined;
  /** Who really acts, if this begins an impersonation. */
  readonly actor: string | undefined;
  /** The keys to keep; default: all. */
  readonly keep: readonly string[] | undefined;
  /** The lifetime of the session, if the login sets it. */
  readonly terms: Terms | undefined;
}

/** Lifetime of a session, set by its login instead of the configuration; times in ms. Undefined: as configured. */
export interface Terms {
  readonly idle: number | undefined;
  readonly lifetime: number | undefined;
  readonly sessionOnly: boolean | undefined;
}

const AS_CONFIGURED: Terms = { idle: undefined, lifetime: undefined, sessionOnly: undefined };

/**
 * Computes the changes that a login makes to a session. A session of another owner starts empty. The terms of an
 * earlier login of the same owner are kept, unless this login has terms. `configured`: the absolute timeout of the
 * store, in ms.
 */
export function loginOf(
  owner: string,
  { info, terms }: Asked,
  before: Birth,
  now: number,
  configured: number = OWNED_FOR_MS,
): Login & { readonly isAnother: boolean } {
  const isAnother = before.parked !== undefined || (before.owner !== undefined && before.owner !== owner);
  const changed = terms ?? (isAnother ? AS_CONFIGURED : undefined);
  const length = (changed ?? before).lifetime ?? configured;
  if (terms?.idle !== undefined)
    assertReachable(
      "authenticate.idleTimeout",
      `${terms.idle} ms`,
      terms.idle,
      length,
      "; give an absoluteTimeout as well",
    );
  const birth = { owner, authenticatedAt: now, absolute: now + length, ...changed };
  return { owner, info, isAnother, birth: isAnother ? { ...birth, createdAt: now, parked: undefined } : birth };
}

/**
 * What an impersonation makes of the actor's session. It never lasts longer than that session, and was authenticated
 * when the actor was.
 *
 * @throws {TypeError} if the actor is not the owner of this session, or is the one to be impersonated
 * @throws {SessionError} `unsupported` if this session is an impersonation already
 */
export function impersonationOf(
  owner: string,
  { actor, info, terms }: Asked,
  before: Birth,
  now: number,
  configured: number = OWNED_FOR_MS,
): Login {
  if (before.parked)
    throw new SessionError("unsupported", "this session is an impersonation already; await endImpersonation() first");
  if (before.owner === undefined || before.owner !== actor)
    throw misuse("authenticate.actor", actor, "{ actor: session.owner }: only the owner of this session can act");
  if (owner === actor) throw misuse("authenticate.actor", actor, "session.authenticate(owner) to log in as oneself");
  const { idle, lifetime, sessionOnly } = terms ?? AS_CONFIGURED;
  const absolute = Math.min(now + (lifetime ?? configured), before.absolute ?? Infinity);
  if (idle !== undefined) assertReachable("authenticate.idleTimeout", `${idle} ms`, idle, absolute - now);
  const { authenticatedAt } = before;
  const birth = { owner, createdAt: now, authenticatedAt, absolute, idle, lifetime, sessionOnly };
  return { owner, info, birth, impersonation: "begins" };
}

/** What makes an impersonation the actor's own session again. */
export function returnTo({ data: _data, ...birth }: Parked): Login {
  return { owner: birth.owner, birth: { ...birth, parked: undefined }, impersonation: "ends" };
}

/** Throws if an idle timeout is longer than the absolute timeout, in ms, which ends the session earlier. */
export function assertReachable(
  option: string,
  given: unknown,
  idle: number,
  longest: number,
  cure: string = "",
): void {
  if (idle > longest)
    throw outOfRange(
      option,
      given,
      `at most ${longest} ms: the absolute timeout ends this session before that${cure}`,
    );
}

/** Throws if a value cannot be an owner. */
export function checkOwner(owner: unknown): asserts owner is string {
  if (typeof owner !== "string" || owner === "")
    throw misuse("owner", owner, "the account's id as a string, like String(user.id)", "wrong-call");
  if (owner.length > MOST_CHARACTERS)
    throw outOfRange("owner", `a string of ${owner.length} characters`, `at most ${MOST_CHARACTERS} characters`);
  if (LONE_SURROGATE.test(owner)) throw misuse("owner", "a string with half a surrogate pair", "well-formed Unicode");
}

const LOGIN_OPTIONS = ["info", "actor", "keep", "idleTimeout", "absoluteTimeout", "sessionOnly"];

/** Validates and copies the options of a login. */
export function checkedLogin(options: object): Asked {
  const own = onlyKeys<AuthenticateOptions<any>>("authenticate", options, LOGIN_OPTIONS, OTHER_LOGIN_OPTIONS);
  return {
    info: checkedInfo(own.info),
    actor: Object.hasOwn(own, "actor") ? checkedActor(own.actor) : undefined,
    keep: own.keep === undefined ? undefined : checkedKeep(own.keep),
    terms: checkedTerms(own),
  };
}

/** An actor that is undefined is refused: the owner of a visitor's session would make a login of an impersonation. */
function checkedActor(actor: unknown): string {
  if (typeof actor !== "string" || actor === "")
    throw misuse("authenticate.actor", actor, "{ actor: session.owner } if this session has an owner");
  return actor;
}

function checkedKeep(keep: unknown): readonly string[] {
  if (!Array.isArray(keep) || !keep.every((key) => typeof key === "string"))
    throw misuse("authenticate.keep", keep, '["cart"]: the keys that are kept');
  return [...keep];
}

function checkedTerms({ idleTimeout, absoluteTimeout, sessionOnly }: AuthenticateOptions<any>): Terms | undefined {
  if (idleTimeout === undefined && absoluteTimeout === undefined && sessionOnly === undefined) return undefined;
  if (sessionOnly !== undefined) boolean("authenticate.sessionOnly", sessionOnly);
  return {
    idle: length("authenticate.idleTimeout", idleTimeout),
    lifetime: length("authenticate.absoluteTimeout", absoluteTimeout),
    sessionOnly,
  };
}

function length(option: string, duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const ms = milliseconds(option, duration, 1000);
  if (ms > OWNED_FOR_MS) throw outOfRange(option, duration, 'at most "400d": no browser keeps a cookie longer');
  return ms;
}

/** Validates and copies the `info` of a login. */
function checkedInfo(info: unknown): SessionInfo | undefined {
  if (info === undefined) return undefined;
  if (!isPlainObject(info) || !Object.values(info as object).every(isPlain))
    throw misuse("info", info, '{ device: "Firefox on Linux" }: strings, numbers and booleans by name');
  const text = JSON.stringify(info);
  if (utf8Length(text) > MOST_INFO_BYTES)
    throw outOfRange("info", `an object of ${utf8Length(text)} bytes as JSON`, `at most ${MOST_INFO_BYTES} bytes`);
  return JSON.parse(text) as SessionInfo;
}

function isPlain(value: unknown): boolean {
  return (
    typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
  );
}
