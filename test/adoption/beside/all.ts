import type { Program } from "../program.js";
import { COOKIE } from "./cookie.js";
import { HOSTILE } from "./hostile.js";
import { IDENTITY } from "./identity.js";
import { METHODS } from "./methods.js";
import { OVERLAP } from "./overlap.js";
import { RESPONSES } from "./responses.js";
import { SAVING } from "./saving.js";
import { STORE } from "./store.js";

/** Every program of express-session's documented behaviour and of its issues. */
export const BESIDE: readonly Program[] = [
  ...SAVING,
  ...COOKIE,
  ...METHODS,
  ...IDENTITY,
  ...STORE,
  ...RESPONSES,
  ...HOSTILE,
  ...OVERLAP,
];
