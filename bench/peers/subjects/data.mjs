/** What the application keeps in a session. */
const KEYS = ["user", "cart", "count", "a", "b", "late"];

/** What is there of it. */
export function dataOf(get) {
  return Object.fromEntries(KEYS.map((key) => [key, get(key)]).filter(([, value]) => value != null));
}

/** The idle timeout everywhere. */
export const IDLE_SECONDS = 30 * 60;

export const SECRET = "a secret of at least 32 characters";
