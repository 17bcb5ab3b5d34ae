/**
 * `express-session/session/memory`: the store of express-session in the memory of this process, for packages that
 * import it by this path.
 *
 * @module
 */
import { MemoryStore } from "./express-session.js";

export { MemoryStore } from "./express-session.js";
export { MemoryStore as default, MemoryStore as "module.exports" };
