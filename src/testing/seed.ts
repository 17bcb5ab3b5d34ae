import type { Store } from "../contracts/session-api.js";
import { fromCookie } from "../extractors/sources.js";
import { isWritable, type Extractor } from "../extractors/extractor.js";
import { misplaced } from "../util/assert.js";
import { settingsOf } from "../session/request-options.js";
import { partsOf } from "../session/store.js";

/** What `session()` answers, whatever the framework. */
export interface Seedable<D extends object> {
  readonly store: Store<D>;
}

/**
 * Stores a session and answers the request headers of a client that has it, so that a test starts where it wants to:
 *
 * ```ts
 * const headers = await seed(sessions, { userId: 1 });   // { cookie: "session_id=…" }
 * await fetch(url, { headers });
 * ```
 *
 * Given a store instead of what `session()` answers, the cookie is called `session_id`.
 */
export async function seed<D extends object>(
  sessions: Seedable<D> | Store<D>,
  data: Partial<D> = {},
): Promise<Record<string, string>> {
  const { store, extractor } = target(sessions);
  const carriers = carriersOf(extractor);
  const { token } = await store.create(data);
  const headers: Record<string, string> = {};
  for (const { source, key } of carriers) {
    if (source === "header") headers[key.toLowerCase()] = token;
    else if (source === "auth-header") headers["authorization"] = `${key} ${token}`;
    else headers["cookie"] = [headers["cookie"], `${key}=${token}`].filter(Boolean).join("; ");
  }
  return headers;
}

function target<D extends object>(sessions: Seedable<D> | Store<D>): { store: Store<D>; extractor: Extractor } {
  if (partsOf(sessions)) return { store: sessions as Store<D>, extractor: fromCookie() };
  const settings = settingsOf(sessions);
  if (!settings) throw misplaced("seed", sessions, "what session({ … }) answered, or a store of createStore({ … })");
  return { store: (sessions as Seedable<D>).store, extractor: settings.extractor };
}

/** What a client sends back: every place it was answered in; where none can be written, the Authorization header. */
function carriersOf({ members }: Extractor): readonly Extractor[] {
  const writable = members.filter(isWritable);
  const carriers = writable.length > 0 ? writable : members.filter(({ source }) => source === "auth-header");
  if (carriers.length === 0)
    throw new TypeError(
      "holdfast: seed: this extractor reads no header; write sessions.store.create(data) and send its token " +
        "where you look for it",
    );
  return carriers;
}
