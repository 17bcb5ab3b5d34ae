import { playFamily } from "./play.js";

await playFamily("upstash");
