import type { Awaitable } from "../contracts/storage.js";
import { ADAPTER_CASES } from "./adapter-cases.js";
import { AdapterClient } from "./adapter-client.js";

/** A running application with the routes of the suite; docs/reference/adapter.md lists them. */
export interface AdapterUnderTest {
  /** As `http://localhost:3000`, or with the path that all routes begin with: `http://localhost:3000/suite`. */
  readonly origin: string;
  /** The name of the session cookie, if it is not `session_id`. */
  readonly cookieName?: string;
  /** Called when the case is done, also if it failed. */
  close?(): Awaitable<void>;
}

/** One case of the suite. `run` rejects with an Error that says what does not hold. */
export interface AdapterCase {
  readonly name: string;
  /** Runs the case on an application of `start`. */
  readonly run: () => Promise<void>;
}

/**
 * What has to hold in every framework, as tests for any test runner, on a running application: visitor, write, 50
 * overlapping increments, login with the framework's own redirect, guard, form, stream, thrown error, storage down,
 * logout. Your application has the routes of docs/reference/adapter.md, and {@link adapterStorage} as its storage.
 *
 * @param start - called for each case; it may return the same application each time
 * @returns the cases, to be run one after the other
 * @example
 * ```ts
 * for (const { name, run } of adapterSuite(() => ({ origin }))) test(name, run);
 * ```
 */
export function adapterSuite(start: () => Awaitable<AdapterUnderTest>): readonly AdapterCase[] {
  return Object.entries(ADAPTER_CASES).map(([name, work]) => ({
    name,
    async run() {
      const under = await start();
      try {
        await work(() => new AdapterClient(under.origin, under.cookieName ?? "session_id"));
      } finally {
        await under.close?.();
      }
    },
  }));
}
