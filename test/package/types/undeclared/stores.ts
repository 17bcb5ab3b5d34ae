/** Code that knows no request: it names what it needs of a store or of a session, and works with any that has that. */
import { createStore, type Session, type Store, type StoreOf } from "holdfast";
import { session } from "holdfast/node";
import { check, type Same } from "../expect.js";

interface Data {
  cart: string[];
  visits: number;
}

/** A service is given a store by its type. */
export class Carts {
  readonly #store: Store<Data>;

  constructor(store: Store<Data>) {
    this.#store = store;
  }

  async add(id: string, item: string): Promise<boolean> {
    return this.#store.edit(id, (own) => own.update("cart", (cart = []) => [...cart, item]));
  }
}

/** What needs no data works with every store. */
export async function signOut<D extends object>(store: Store<D>, owner: string): Promise<number> {
  const listed = await store.listByOwner(owner);
  check<Same<(typeof listed)[0]["id"], string>>();
  return store.deleteByOwner(owner);
}

/** What needs a key works with every session that has it. */
export function visit(own: Session<Pick<Data, "visits">>): number | undefined {
  own.update("visits", (visits = 0) => visits + 1);
  return own.get("visits");
}

const sessions = session<Data>();
check<Same<StoreOf<typeof sessions>, Store<Data>>>();
const store: StoreOf<typeof sessions> = createStore<Data>();
export const carts = new Carts(sessions.store);
void signOut(store, "ann");
void store.edit("id", (own) => visit(own));
declare const mine: Session<Data>;
visit(mine);
// @ts-expect-error a store of other data
export const other = new Carts(createStore<{ basket: string[] }>());
declare const without: Session<{ basket: string[] }>;
// @ts-expect-error a session without the key
visit(without);
