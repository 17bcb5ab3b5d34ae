import { route } from "../../lib.js";

export const POST = route(async (session, request) => {
  const form = await request.formData();
  session.set(String(form.get("key")), form.get("value"));
  return new Response("set");
});
