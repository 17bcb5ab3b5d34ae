/**
 * The data of your sessions, for `req.session` and the free functions. Declare it once:
 *
 * ```ts
 * declare module "holdfast" {
 *   interface SessionData { visits: number; cart: string[] }
 * }
 * ```
 */
export interface SessionData {}

type NotDeclared =
  'declare your session\'s keys: declare module "holdfast" { interface SessionData { … } }, or session<Data>(…)';

/** The keys of the session data; if none are declared, the type says what to do. */
export type KeyOf<D extends object> = [keyof D] extends [never]
  ? NotDeclared
  : Exclude<Extract<keyof D, string>, "~inputs">;

/** The value type of a key. */
export type ValueOf<D extends object, K> = K extends keyof D ? D[K] : never;

/** What is put into a key: its value, or what its schema makes a value of. */
export type InputOf<D extends object, K> = D extends { readonly "~inputs"?: infer I }
  ? K extends keyof NonNullable<I>
    ? NonNullable<I>[K]
    : ValueOf<D, K>
  : ValueOf<D, K>;

/** What a new session may begin with. */
export type InputsOf<D extends object> = { [K in Extract<keyof D, KeyOf<D>>]?: InputOf<D, K> };

/**
 * How instances of a class are stored: under a tag, as the value that `encode` returns (any value that a session can
 * store).
 */
export interface TypeCodec<T = any> {
  /** The class. Instances of subclasses are not included: register each subclass. */
  readonly class: abstract new (...args: any[]) => T;
  /**
   * Converts an instance to plain data.
   *
   * @param instance - an instance of the class
   * @returns data that a session can store
   */
  encode(this: void, instance: T): unknown;
  /**
   * Converts plain data to an instance.
   *
   * @param data - what `encode` returned
   * @returns the instance
   */
  decode(this: void, data: any): T;
}
