import { playFamily } from "./play.js";

/** Another process would not see it: both servers are one. */
await playFamily("memory", { isAlone: true });
