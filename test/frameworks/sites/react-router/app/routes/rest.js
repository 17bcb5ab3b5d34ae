import { sessions } from "../sessions.server";
import { respond } from "../story.js";

export const loader = ({ request, context }) => respond(request, () => sessions.get(context));
export const action = loader;
