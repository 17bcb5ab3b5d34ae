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
export type KeyOf<D extends object> = [keyof D] extends [never] ? NotDeclared : Extract<keyof D, string>;

/** The value type of a key. */
export type ValueOf<D extends object, K> = K extends keyof D ? D[K] : never;
