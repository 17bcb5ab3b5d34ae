import { route } from "../../lib.js";

export const GET = route(async (session) => {
  await new Promise((resolve) => setTimeout(resolve, 300));
  session.set("late", "yes");
  return new Response("slow");
});
