import { route } from "../../lib.js";

export const GET = route((session) => Response.json({ owner: session.owner ?? null, data: session.toJSON() }));
