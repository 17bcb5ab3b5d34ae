import type { SessionInfo } from "../contracts/session.js";
import { isPlainObject, misuse, onlyKeys, outOfRange } from "../leaves/assert.js";
import { utf8Length } from "../leaves/bytes.js";
import type { Login } from "./persistence.js";

/**
 * How long a session with an owner lives at most where there is no `absoluteTimeout`, in ms: as long as a browser keeps a cookie (RFC 6265bis, 5.6.2),
 * so that the owner's list need not be kept for ever.
 */
const OWNED_FOR_MS = 400 * 24 * 60 * 60_000;

const MOST_CHARACTERS = 256;
const MOST_INFO_BYTES = 512;
/** A surrogate without its other half: two such texts would be one in UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** What a login at this time makes of a session; one that had another owner begins anew. */
export function loginOf(owner: string, info: SessionInfo | undefined, hadAnother: boolean, now: number, absolute: number = OWNED_FOR_MS): Login {
  const birth = { owner, authenticatedAt: now, absolute: now + absolute };
  return { owner, info, birth: hadAnother ? { ...birth, createdAt: now } : birth };
}

/** Throws where a value cannot be an owner. */
export function checkOwner(owner: unknown): asserts owner is string {
  if (typeof owner !== "string" || owner === "") throw misuse("owner", owner, "the account's id as a text, like String(user.id)");
  if (owner.length > MOST_CHARACTERS) throw outOfRange("owner", `a text of ${owner.length} characters`, `at most ${MOST_CHARACTERS} characters`);
  if (LONE_SURROGATE.test(owner)) throw misuse("owner", "a text with half a surrogate pair", "well-formed Unicode");
}

/** The `info` of a login, checked and copied. */
export function checkedInfo(options: object): SessionInfo | undefined {
  const { info } = onlyKeys<{ info?: unknown }>("authenticate", options, ["info"]);
  if (info === undefined) return undefined;
  if (!isPlainObject(info) || !Object.values(info as object).every(isPlain)) throw misuse("info", info, '{ device: "Firefox on Linux" }: texts, numbers and booleans by name');
  const text = JSON.stringify(info);
  if (utf8Length(text) > MOST_INFO_BYTES) throw outOfRange("info", `an object of ${utf8Length(text)} bytes as JSON`, `at most ${MOST_INFO_BYTES} bytes`);
  return JSON.parse(text) as SessionInfo;
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value));
}
