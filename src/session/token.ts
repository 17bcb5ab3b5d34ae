import { SessionError } from "../errors.js";
import { misuse, show } from "../util/assert.js";
import { sha256 } from "../util/hash.js";
import { randomText } from "../util/random.js";
import { WRITE_ID_LENGTH } from "../codecs/record.js";

/** Where tokens come from, and what an incoming one must look like. */
export interface TokenSource {
  /** A new token. Throws `bad-generator` where the generator gives none. */
  draw(): string;
  /** Whether a text can be a token at all. Looked at before anything is hashed or asked of the storage. */
  fits(text: string): boolean;
}

/** 32 bytes as base64url: 43 characters, of which the last holds four bits. Each token has one spelling. */
const RANDOM_TOKEN = /^[\w-]{42}[AEIMQUYcgkosw048]$/;
const CUSTOM_TOKEN = /^[\w.~-]{16,256}$/;
const ID = /^id_[\w-]{43}$/;

/** 256 bits of the system's generator. */
export const randomToken: TokenSource = {
  draw: () => randomText(32),
  fits: (text) => text.length === 43 && RANDOM_TOKEN.test(text),
};

/** Tokens of the application's own generator. */
export function customToken(generator: () => string): TokenSource {
  const fits = (text: string): boolean => text.length <= 256 && CUSTOM_TOKEN.test(text);
  return {
    fits,
    draw() {
      const token: unknown = generator();
      if (typeof token === "string" && fits(token)) return token;
      throw new SessionError(
        "bad-generator",
        `keyGenerator answered ${describe(token)}; a token is 16 to 256 characters of A-Z a-z 0-9 . _ ~ -`,
      );
    },
  };
}

/** The hash under which a token's record is kept. */
export function hashOf(token: string): string {
  return sha256(token);
}

/** The id of a hash: safe to log, list and hand to jobs. */
export function idOf(hash: string): string {
  return `id_${hash}`;
}

/** The hash of an id. Anything else, a token above all, is a TypeError that does not repeat it. */
export function hashOfId(id: unknown): string {
  if (typeof id === "string" && ID.test(id)) return id.slice(3);
  throw misuse(
    "id",
    typeof id === "string" ? `a text of ${id.length} characters` : id,
    "session.id (it starts with id_); for a token there is store.getByToken",
  );
}

/** An id for one save. */
export function drawWriteId(): string {
  return randomText(5).slice(0, WRITE_ID_LENGTH);
}

/** What can be said of a failed token without repeating it. */
function describe(token: unknown): string {
  return typeof token === "string" ? `a text of ${token.length} characters` : show(token);
}
