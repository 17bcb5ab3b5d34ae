import { redirect } from "@tanstack/react-router";
import { createServerFn } from "@tanstack/react-start";

/** A field of a form. */
const field = (name: string) => (form: unknown) => {
  const value = form instanceof FormData ? form.get(name) : undefined;
  if (typeof value !== "string" || value === "") throw new Error(`the form has no ${name}`);
  return value;
};

/** What pages show of the session: never the session itself. */
export const whoAndCart = createServerFn().handler(({ context: { session } }) => ({
  owner: session.owner ?? null,
  cart: session.get("cart") ?? [],
}));

/** The guard: without an owner there is no account. */
export const ownerOrLogin = createServerFn().handler(({ context: { session } }) => {
  if (session.owner === undefined) throw redirect({ to: "/login" });
  return session.owner;
});

export const addToCart = createServerFn({ method: "POST" })
  .validator(field("item"))
  .handler(({ context: { session }, data }) => {
    session.update("cart", (cart = []) => [...cart, data]);
  });

// A real login checks a password here.
export const login = createServerFn({ method: "POST" })
  .validator(field("user"))
  .handler(async ({ context: { session }, data }) => {
    await session.authenticate(data);
    throw redirect({ to: "/account" });
  });

export const logout = createServerFn({ method: "POST" }).handler(async ({ context: { session } }) => {
  await session.destroy();
  throw redirect({ to: "/" });
});
