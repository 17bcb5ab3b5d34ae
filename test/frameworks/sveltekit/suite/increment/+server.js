import { json } from "@sveltejs/kit";

export function POST({ locals: { session } }) {
  session.update("n", (n = 0) => n + 1);
  return json(session.get("n"));
}
