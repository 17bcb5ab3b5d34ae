import type { Program } from "../program.js";
import { ADMIN } from "./adminjs.js";
import { CSRF } from "./csrf.js";
import { PASSPORT } from "./passport.js";
import { PROVIDERS } from "./providers.js";
import { SOCKETS } from "./sockets.js";

/** Programs of packages that stand on express-session. */
export const PROGRAMS: readonly Program[] = [...PASSPORT, ...CSRF, ...PROVIDERS, ...SOCKETS, ...ADMIN];
