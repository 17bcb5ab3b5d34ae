import { SessionError } from "../errors.js";
import { show } from "../util/assert.js";

/** JSON of each value of a session, by key. */
export type Texts = ReadonlyMap<string, string>;

/**
 * The JSON of a session's values: what a store for express-session keeps of them. A value without JSON (a function,
 * undefined) is as if it was not there.
 *
 * @throws {SessionError} `unserializable` if a value has no JSON: it contains itself, or a BigInt
 */
export function textsOf(data: object): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [key, value] of Object.entries(data)) {
    const text = key === "cookie" ? undefined : textOf(key, value);
    if (text !== undefined) texts.set(key, text);
  }
  return texts;
}

/** The JSON of one value, or undefined if it is as if it was not there. */
export function textOf(key: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw new SessionError(
      "unserializable",
      `req.session[${show(key)}] cannot be stored as JSON: it contains itself, a BigInt, or a toJSON that throws`,
      { cause },
    );
  }
}

/** A value that is read from the data of a session, with its JSON. */
export interface KnownValue {
  readonly key: string;
  readonly value: unknown;
  readonly text: string | undefined;
}

/** Data whose values are decoded again each time. */
interface Data {
  copyOf(key: string): unknown;
}

/** Reads a value; throws if it cannot be read, or has no JSON. */
export function knownValue(data: Data, key: string): KnownValue {
  const value = data.copyOf(key);
  return { key, value, text: textOf(key, value) };
}

/** The same as a list, which is empty if the value cannot be read. */
export function readable(data: Data, key: string): readonly KnownValue[] {
  try {
    return [knownValue(data, key)];
  } catch {
    return [];
  }
}

/** The keys whose values differ; with the new JSON, undefined if the key is gone. */
export function differences(before: Texts, now: Texts): Map<string, string | undefined> {
  const changed = new Map<string, string | undefined>();
  for (const [key, text] of now) if (before.get(key) !== text) changed.set(key, text);
  for (const key of before.keys()) if (!now.has(key)) changed.set(key, undefined);
  return changed;
}

/** The result of a function passed to `update`, as it will be read again. */
export function updated(key: string, change: (value: unknown) => unknown, value: unknown): unknown {
  const result = change(value);
  const text = textOf(key, result);
  if (text === undefined)
    throw new TypeError(
      `holdfast: the function passed to update(req, ${show(key)}, …) returned nothing to store; it must return the ` +
        "new value, synchronously",
    );
  if (typeof (result as { then?: unknown } | null)?.then === "function")
    throw new TypeError("holdfast: the function passed to update() must be synchronous; await first, then update");
  return JSON.parse(text);
}
