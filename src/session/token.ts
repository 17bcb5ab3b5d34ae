import { SessionError } from "../errors.js";
import { misuse, show } from "../util/assert.js";
import { sha256, randomText } from "../util/bytes.js";
import { WRITE_ID_LENGTH } from "../codecs/record.js";

/** Generates tokens, and checks the format of tokens in requests. */
export interface TokenSource {
  /** Returns a new token. Throws `bad-generator` if the generator returns an invalid one. */
  draw(): string;
  /** True if a string has the format of a token. Checked before hashing and before any storage call. */
  fits(text: string): boolean;
}

/** 32 bytes as base64url: 43 characters, of which the last has four bits. Each token has one spelling. */
const RANDOM_TOKEN = /^[\w-]{42}[AEIMQUYcgkosw048]$/;
const CUSTOM_TOKEN = /^[\w.~-]{16,256}$/;
const ID = /^id_[\w-]{43}$/;

/** 256 bits from the system's generator. */
export const randomToken: TokenSource = {
  draw: () => randomText(32),
  fits: (text) => text.length === 43 && RANDOM_TOKEN.test(text),
};

/** Tokens from the application's generator. */
export function customToken(generator: () => string): TokenSource {
  const fits = (text: string): boolean => text.length <= 256 && CUSTOM_TOKEN.test(text);
  return {
    fits,
    draw() {
      const token: unknown = generator();
      if (typeof token === "string" && fits(token)) return token;
      throw new SessionError(
        "bad-generator",
        `keyGenerator returned ${describe(token)}; a token is 16 to 256 characters of A-Z a-z 0-9 . _ ~ -`,
      );
    },
  };
}

/** The hash under which the record of a token is stored. */
export function hashOf(token: string): string {
  return sha256(token);
}

/** A token with its hash. */
export function identityOf(token: string): { readonly token: string; readonly hash: string } {
  return { token, hash: hashOf(token) };
}

/** The id for a hash: safe to log, list and pass to jobs. */
export function idOf(hash: string): string {
  return `id_${hash}`;
}

/** The hash for an id. Anything else, especially a token, is a TypeError whose message does not contain it. */
export function hashOfId(id: unknown): string {
  if (typeof id === "string" && ID.test(id)) return id.slice(3);
  throw misuse(
    "id",
    typeof id === "string" ? `a string of ${id.length} characters` : id,
    "session.id (it starts with id_); for a token there is store.getByToken",
  );
}

/** Generates an id for one save. */
export function drawWriteId(): string {
  return randomText(5).slice(0, WRITE_ID_LENGTH);
}

/** Describes an invalid token without repeating it. */
function describe(token: unknown): string {
  return typeof token === "string" ? `a string of ${token.length} characters` : show(token);
}
