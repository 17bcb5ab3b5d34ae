import { playFamily } from "./play.js";

await playFamily("dynamodb");
