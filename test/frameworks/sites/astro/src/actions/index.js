import { defineAction } from "astro:actions";

export const server = {
  add: defineAction({
    accept: "form",
    handler(form, { locals }) {
      locals.session.update("cart", (cart = []) => [...cart, "by action"]);
      return form.get("item");
    },
  }),
};
