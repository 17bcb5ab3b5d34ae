import { json } from "@sveltejs/kit";

export const GET = ({ locals: { session } }) => json({ owner: session.owner ?? null, data: session.toJSON() });
