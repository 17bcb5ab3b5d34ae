import { respond } from "../story.js";

export const ALL = ({ request, locals }) => respond(request, () => locals.session);
