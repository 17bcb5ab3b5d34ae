/** What TanStack Start knows of a response beside its status, its headers and its body. */

/** Headers that an application has set with the helpers of TanStack Start, which it adds to each response. */
interface HelperState {
  readonly headers?: unknown;
  readonly headerAppends?: Map<string, unknown>;
  setCookieBehavior?: "merge" | "replace";
}

const EVENTS = Symbol.for("tanstack-start:event-storage");

function helperState(): HelperState | undefined {
  const events = (globalThis as { [EVENTS]?: { getStore?(): { responseState?: HelperState } | undefined } })[EVENTS];
  return events?.getStore?.()?.responseState;
}

/**
 * Called when a copy of a response has the session's headers.
 *
 * @param response - of the handler
 * @param copy - with the session
 */
export function copied(response: Response, copy: Response): void {
  takeNotes(response, copy);
  const state = helperState();
  if (state?.headers instanceof Headers) addToHelpers(state, state.headers, response, copy);
}

/** What was noted on the response: the target of a redirect, the format of what a server function returns. */
function takeNotes(response: Response, copy: Response): void {
  for (const key of Reflect.ownKeys(response)) {
    const isNote = typeof key === "symbol" ? Symbol.keyFor(key)?.startsWith("tanstack-start:") : key === "options";
    if (!isNote || Object.hasOwn(copy, key)) continue;
    Object.defineProperty(copy, key, { ...Object.getOwnPropertyDescriptor(response, key), configurable: true });
  }
}

/**
 * TanStack Start applies the headers of the helpers again behind each middleware: a `Cache-Control` or `Set-Cookie` of
 * the handler would replace that of the session.
 */
function addToHelpers(state: HelperState, headers: Headers, response: Response, copy: Response): void {
  for (const [name, value] of copy.headers) {
    if (name === "set-cookie" || response.headers.get(name) === value) continue;
    headers.set(name, value);
    state.headerAppends?.delete(name);
  }
  const before = new Set(response.headers.getSetCookie());
  const lines = copy.headers.getSetCookie().filter((line) => !before.has(line));
  if (lines.length > 0) state.setCookieBehavior ??= "merge";
  for (const line of lines) headers.append("set-cookie", line);
}
