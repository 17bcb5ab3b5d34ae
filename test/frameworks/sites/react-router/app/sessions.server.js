import { session } from "holdfast/react-router";
import { options } from "./story.js";

export const sessions = session(options((_context, { request }) => request.url));
