import { redirect } from "@sveltejs/kit";

/** A form action: without script it redirects, with `use:enhance` it returns JSON. */
export const actions = {
  async default({ locals, request }) {
    await locals.session.authenticate(String((await request.formData()).get("user")));
    redirect(303, "/suite/account");
  },
};
