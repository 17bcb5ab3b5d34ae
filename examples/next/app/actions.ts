"use server";

import { redirect } from "next/navigation";
import { withSession } from "../lib/session";

export const addToCart = withSession(async (session, form: FormData) => {
  const item = form.get("item") as string;
  session.update("cart", (cart = []) => [...cart, item]);
});

// A real login checks a password here.
export const login = withSession(async (session, form: FormData) => {
  await session.authenticate(form.get("user") as string);
  redirect("/account");
});

export const logout = withSession(async (session) => {
  await session.destroy();
  redirect("/");
});
