import { playFamily } from "./play.js";

await playFamily("postgres", { server: "postgres" });
