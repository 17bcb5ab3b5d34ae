/**
 * How instances of a class are stored: under an explicit tag, as whatever `encode` answers (any value a session can
 * hold).
 */
export interface TypeCodec<T = any> {
  /** The class. Instances of subclasses are not taken for it: register each. */
  readonly class: abstract new (...args: any[]) => T;
  /** Plain data that stands for an instance. */
  encode(this: void, instance: T): unknown;
  /** The instance again. */
  decode(this: void, data: any): T;
}
