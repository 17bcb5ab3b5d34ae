import { createStore, type Storage, type Store } from "holdfast";

/** What a store does for requests, and the names of the commands that went to the database meanwhile. */
export interface Counted {
  readonly store: Store<{ n: number }>;
  /** The commands that some work sent, in order, as one text. */
  cost(work: () => Promise<unknown>): Promise<string>;
  /** Those of a new token for a new session. */
  login(): Promise<string>;
}

/** Counts what a storage sends: `sent` are the commands so far, which are forgotten before each work. */
export function countedStore(storage: Storage, sent: { length: number }, names: () => readonly string[]): Counted {
  const store = createStore<{ n: number }>({ storage });
  const cost = async (work: () => Promise<unknown>): Promise<string> => {
    sent.length = 0;
    await work();
    return names().join(" ");
  };
  const login = async (): Promise<string> => {
    const { token } = await store.create({ n: 1 });
    return cost(async () => {
      const session = (await store.getByToken(token))!;
      await session.regenerate();
      await session.save();
    });
  };
  return { store, cost, login };
}
