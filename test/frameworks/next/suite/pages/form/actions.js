"use server";

import { notFound } from "next/navigation";
import { withSession } from "../../../lib.js";

/** The page is rendered again in the same request, with the new session. */
export const loginHere = withSession(async (session) => session.authenticate("ann"));

const login = withSession(async (session) => session.authenticate("bob"));
const step = withSession(async (session) => session.update("steps", (steps = 0) => steps + 1));

/** One action calls others: the second has the session that the first made. */
export async function loginInSteps() {
  await step();
  await login();
  await step();
}

export const leave = withSession(async (session) => {
  session.set("left", "yes");
  notFound();
});
