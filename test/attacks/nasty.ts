import { readFileSync } from "node:fs";

const TEMPLATES = JSON.parse(
  readFileSync(new URL("../../test/attacks/fuzz/nasty-tokens.json", import.meta.url), "utf8"),
) as Readonly<Record<string, readonly string[]>>;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * The hostile texts of an attack, around a token that is good. In the corpus `$` stands for that token, `$<` and
 * `$-1` for all of it but the last character, `~1` to `~3` for its twins in base64url, `A*42` for 42 letters.
 */
export function nasty(attack: number, token: string): string[] {
  return TEMPLATES[attack]!.map((template) => made(template, token));
}

function made(template: string, token: string): string {
  const repeated = /^A\*(\d+)$/.exec(template);
  if (repeated) return "A".repeat(Number(repeated[1]));
  if (/^~[123]$/.test(template)) return twin(token, Number(template[1]));
  if (template === "$-1") return token.slice(0, -1);
  if (template === "$+1") return `${token}A`;
  return template.replaceAll("$<", token.slice(0, -1)).replaceAll("$", token);
}

/** Another text for the same 32 bytes: its last character differs in the two bits that base64url leaves over. */
function twin(token: string, bits: number): string {
  return token.slice(0, 42) + ALPHABET[ALPHABET.indexOf(token[42]!) + bits]!;
}
