import { session } from "holdfast/tanstack-start";

export interface Data {
  cart: string[];
}

/** In memory, for one process; a database in production: docs/storages. */
export const sessions = session<Data>();
