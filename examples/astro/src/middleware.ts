import { session } from "holdfast/astro";

/** In memory, for one process; a database in production: docs/storages. */
export const onRequest = session<App.SessionData>();
