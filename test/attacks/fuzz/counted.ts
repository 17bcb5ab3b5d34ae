/** A text that counts what is read of it: each unit that a search or a copy goes over is a step. */
export class CountedText {
  readonly #text: string;
  steps = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get length(): number {
    return this.#text.length;
  }

  charCodeAt(at: number): number {
    this.steps++;
    return this.#text.charCodeAt(at);
  }

  indexOf(mark: string, from: number = 0): number {
    const at = this.#text.indexOf(mark, from);
    this.steps += Math.max(0, (at === -1 ? this.#text.length : at) - from) + 1;
    return at;
  }

  includes(mark: string): boolean {
    return this.indexOf(mark) !== -1;
  }

  slice(from: number, to: number): string {
    this.steps += Math.max(0, to - from);
    return this.#text.slice(from, to);
  }
}

/** Objects that count how often a property of theirs, or of what they hold, is looked at. */
export function countedObject<T extends object>(value: T): { value: T; steps(): number } {
  let steps = 0;
  const seen = new WeakMap<object, object>();
  const wrap = (one: unknown): unknown => {
    if (typeof one !== "object" || one === null) return one;
    const known = seen.get(one);
    if (known) return known;
    const proxy = new Proxy(one, {
      get: (target, key, receiver) => (steps++, wrap(Reflect.get(target, key, receiver))),
      ownKeys: (target) => ((steps += Object.keys(target).length), Reflect.ownKeys(target)),
      getOwnPropertyDescriptor: (target, key) => (steps++, Reflect.getOwnPropertyDescriptor(target, key)),
    });
    seen.set(one, proxy);
    return proxy;
  };
  return { value: wrap(value) as T, steps: () => steps };
}
