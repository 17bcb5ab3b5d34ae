/**
 * Returns the same storage for the same binding: a Worker gets its bindings with each request. A binding that is not
 * used any more is forgotten with its storages.
 */
export class OnePerBinding<S> {
  readonly #known = new WeakMap<object, Map<string, S>>();

  /** Returns the storage of this binding and name; makes it if there is none. */
  of(binding: object, name: string, make: () => S): S {
    const ofBinding = this.#known.get(binding) ?? new Map<string, S>();
    this.#known.set(binding, ofBinding);
    const storage = ofBinding.get(name) ?? make();
    ofBinding.set(name, storage);
    return storage;
  }
}
