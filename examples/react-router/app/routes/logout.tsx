import { redirect } from "react-router";
import { sessions } from "../sessions.server";

export async function action({ context }) {
  await sessions.get(context).destroy();
  return redirect("/");
}
