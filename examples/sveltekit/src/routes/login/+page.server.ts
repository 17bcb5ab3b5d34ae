import { redirect } from "@sveltejs/kit";
import type { Actions } from "./$types";

export const actions: Actions = {
  // A real login checks a password here.
  async default({ locals, request }) {
    await locals.session.authenticate(String((await request.formData()).get("user")));
    redirect(303, "/account");
  },
};
