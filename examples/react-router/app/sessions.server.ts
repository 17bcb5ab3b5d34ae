import { session } from "holdfast/react-router";

export interface Data {
  cart: string[];
}

/** In memory, for one process; a database in production: docs/storages. */
export const sessions = session<Data>();
