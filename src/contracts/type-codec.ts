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
