import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** express-session itself. */
export const expressSession: any = require("express-session");

/** The drop-in, as `require()` gives it to CommonJS. */
export const dropIn = (): any => require("holdfast/express-session");
