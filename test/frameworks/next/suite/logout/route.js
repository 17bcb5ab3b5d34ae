import { redirect } from "next/navigation";
import { route } from "../../lib.js";

export const POST = route(async (session) => {
  await session.destroy();
  redirect("/suite/untouched");
});
