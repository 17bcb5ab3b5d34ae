import { playFamily } from "./play.js";

await playFamily("memcached");
