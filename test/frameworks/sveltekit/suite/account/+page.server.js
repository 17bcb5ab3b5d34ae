import { redirect } from "@sveltejs/kit";

export function load({ locals: { session } }) {
  if (session.owner === undefined) redirect(303, "/suite/untouched");
  return { owner: session.owner };
}
