/** The library that is simulated: the built one, or in a worker the mutant it was told. */
import { workerData } from "node:worker_threads";

interface Library {
  readonly RequestSession: typeof import("#dist/session/request-session.js").RequestSession;
  readonly requestSettings: typeof import("#dist/session/request-options.js").requestSettings;
  readonly createStore: typeof import("#dist/session/store.js").createStore;
  readonly hashOf: typeof import("#dist/session/token.js").hashOf;
  readonly encrypted: typeof import("#dist/storage/encrypted.js").encrypted;
  readonly SessionError: typeof import("#dist/errors.js").SessionError;
}

/** What a worker is told. */
export interface Work {
  readonly proof: string;
  /** Directory of another build, as a URL. */
  readonly library?: string;
}

const told = workerData as Work | null;
const base = told?.library ?? new URL("../../dist/", import.meta.url).href;
const modules = await Promise.all(
  [
    "session/request-session.js",
    "session/request-options.js",
    "session/store.js",
    "session/token.js",
    "storage/encrypted.js",
    "errors.js",
  ].map((file) => import(new URL(file, base).href)),
);

export const library: Library = Object.assign({}, ...modules);
