import { mistake, type MistakeCode } from "../errors.js";

/** Returns an error for an invalid option or argument: its name, its value, and what to write instead. */
export function misuse(option: string, value: unknown, write: string, code: MistakeCode = "wrong-option"): TypeError {
  return mistake(code, `${option} is ${show(value)}; write ${write}`);
}

/**
 * As `misuse`, for options that may contain a secret by mistake (a client, a key, a storage, a function): the message
 * has the kind of the value, never its content.
 */
export function misplaced(
  option: string,
  value: unknown,
  write: string,
  code: MistakeCode = "wrong-option",
): TypeError {
  return mistake(code, `${option} is ${kindOf(value)}; write ${write}`);
}

/**
 * Returns the kind of a value. A string may be a password, a key or a URL with a password, so no part of it is shown.
 */
export function kindOf(value: unknown): string {
  return typeof value === "string" ? "a string" : show(value);
}

/** Returns an error for a value out of range: option, value and range. */
export function outOfRange(option: string, value: unknown, range: string): RangeError {
  return mistake("wrong-option", `${option} is ${show(value)}; it must be ${range}`, RangeError);
}

/** Returns a short description of a configuration value, never all of a long content. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === "function") return `the function ${value.name || "(anonymous)"}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return `an object (${value.constructor?.name ?? "no prototype"})`;
  return String(value);
}

/** True for an object literal `{ … }`, false for an instance of a class. */
export function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/**
 * Copies the own properties of an options object into an object without a prototype: properties that other code added
 * to `Object.prototype` are not options.
 *
 * @param where - the function or option, for the message
 * @param value - the options of the application
 * @param allowed - the names of all options
 * @param elsewhere - names that other libraries use, with what to write here instead
 * @returns a copy without a prototype
 * @throws {TypeError} if the value is not a plain object, or has a property that is not allowed
 */
export function onlyKeys<T extends object>(
  where: string,
  value: T,
  allowed: readonly string[],
  elsewhere: Readonly<Record<string, string>> = {},
): T {
  if (!isPlainObject(value))
    throw misplaced(where, value, `{ ${allowed.slice(0, 3).join(", ")}${allowed.length > 3 ? ", …" : ""} }`);
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key))
      throw mistake("wrong-option", `${where} has no option ${show(key)}${instead(key, allowed, elsewhere)}`);
  }
  return Object.assign(Object.create(null) as T, value);
}

/** What to write instead of an unknown option: what another library's name means here, or the most similar name. */
function instead(key: string, allowed: readonly string[], elsewhere: Readonly<Record<string, string>>): string {
  if (Object.hasOwn(elsewhere, key)) return `; ${elsewhere[key]}`;
  const similar = nearest(key, allowed);
  return similar === undefined ? `; it has ${allowed.join(", ")}` : ` (did you mean ${show(similar)}?)`;
}

/** Checks that a value is one of a list of words. */
export function oneOf<W extends string>(option: string, value: unknown, words: readonly W[]): W {
  if (words.includes(value as W)) return value as W;
  throw misuse(option, value, words.map((word) => JSON.stringify(word)).join(" or "));
}

/** Checks that a value is `true` or `false`. */
export function boolean(option: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw misuse(option, value, "true or false");
  return value;
}

/** Checks that a value is a function. */
export function callable<F>(option: string, value: F, example: string): F {
  if (typeof value !== "function") throw misplaced(option, value, example);
  return value;
}

/** Checks that a value is a whole number of at least `least`. */
export function wholeNumber(option: string, value: unknown, least: number): number {
  if (typeof value !== "number") throw misuse(option, value, "a whole number");
  if (!Number.isSafeInteger(value) || value < least)
    throw outOfRange(option, value, `a whole number of at least ${least}`);
  return value;
}

// The name that was meant.

/** Longer names are not compared: it would take long, and they are not misspelt options. */
const LONGEST = 40;

/**
 * Returns the most similar of several names, if a misspelling explains the difference: other capitals, or a third of
 * the letters at most.
 */
export function nearest(name: string, names: readonly string[]): string | undefined {
  if (name.length > LONGEST) return undefined;
  const wanted = name.toLowerCase();
  let [best, least]: [string | undefined, number] = [undefined, Math.floor(wanted.length / 3) + 1];
  for (const candidate of names) {
    const distance = distanceOf(wanted, candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** The number of letters to insert, remove or replace until one word is the other. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++)
      next.push(Math.min(row[j]! + Number(a[i] !== b[j]), row[j + 1]! + 1, next[j]! + 1));
    row = next;
  }
  return row[b.length]!;
}
