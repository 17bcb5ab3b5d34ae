/**
 * `express-session/session/cookie`: the class of `req.session.cookie`, for packages that import it by this path.
 *
 * @module
 */
import { Cookie } from "./express-session.js";

export { Cookie } from "./express-session.js";
export { Cookie as default, Cookie as "module.exports" };
