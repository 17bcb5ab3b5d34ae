import { notFound } from "next/navigation";
import { route } from "../../lib.js";

export const GET = route((session) => {
  session.set("missed", "yes");
  notFound();
});
