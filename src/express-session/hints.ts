import { environment, warn } from "../util/builtin.js";
import { show } from "../util/assert.js";
import type { DropInRequest } from "./dropin-options.js";

const shown = new Set<string>();
const MOST_HINTS = 20;

/**
 * Shows once, in development, that two overlapping requests changed the same key, and one change was lost; with the
 * line that keeps both.
 *
 * @param req - the request whose change replaced the other, if it is known
 * @param key - the key
 */
export function hintOverwritten(req: DropInRequest | undefined, key: string): void {
  if (environment("NODE_ENV") === "production" || shown.size >= MOST_HINTS) return;
  const where = req ? ` (${req.method} ${(req.originalUrl ?? req.url ?? "").split("?", 1)[0]})` : "";
  if (shown.has(key + where)) return;
  shown.add(key + where);
  warn(
    `holdfast: two overlapping requests changed req.session[${show(key)}], and one change was lost${where}; to keep ` +
      `both write update(req, ${show(key)}, (value) => …), with import { update } from "holdfast/express-session"`,
  );
}
