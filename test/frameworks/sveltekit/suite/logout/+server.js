import { redirect } from "@sveltejs/kit";

export async function POST({ locals }) {
  await locals.session.destroy();
  redirect(303, "/suite/untouched");
}
