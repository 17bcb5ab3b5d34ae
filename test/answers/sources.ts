/** A turn of the event loop. */
export const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Hands out the pieces, one in each turn, and breaks then. */
export async function* failing(pieces: readonly string[]): AsyncGenerator<string> {
  for (const piece of pieces) {
    yield piece;
    await soon();
  }
  throw new Error("the source broke");
}

/** A handler that writes to the session first. */
export function touching<I extends { touch(): void }>(call: (io: I) => unknown): (io: I) => unknown {
  return (io) => {
    io.touch();
    return call(io);
  };
}
