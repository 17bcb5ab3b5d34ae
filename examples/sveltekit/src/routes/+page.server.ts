import { redirect } from "@sveltejs/kit";
import type { Actions, PageServerLoad } from "./$types";

export const load: PageServerLoad = ({ locals }) => ({ cart: locals.session.get("cart") ?? [] });

export const actions: Actions = {
  async add({ locals, request }) {
    const item = String((await request.formData()).get("item"));
    locals.session.update("cart", (cart = []) => [...cart, item]);
  },
  async logout({ locals }) {
    await locals.session.destroy();
    redirect(303, "/");
  },
};
