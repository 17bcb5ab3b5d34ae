import { playFamily } from "./play.js";

await playFamily("mongodb");
