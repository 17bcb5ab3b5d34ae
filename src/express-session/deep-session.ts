/**
 * `express-session/session/session`: the class of `req.session`, for packages that import it by this path.
 *
 * @module
 */
import { Session } from "./express-session.js";

export { Session } from "./express-session.js";
export { Session as default, Session as "module.exports" };
