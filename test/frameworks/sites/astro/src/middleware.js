import { session } from "holdfast/astro";
import { options } from "./story.js";

export const onRequest = session(options((context) => context.request.url));
