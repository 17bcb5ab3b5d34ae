/**
 * `express-session/session/store`: the base of stores for express-session, for packages that import it by this path.
 *
 * @module
 */
import { Store } from "./express-session.js";

export { Store } from "./express-session.js";
export { Store as default, Store as "module.exports" };
