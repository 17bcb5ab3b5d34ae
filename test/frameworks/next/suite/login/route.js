import { redirect } from "next/navigation";
import { route } from "../../lib.js";

const login = async (session, user) => {
  await session.authenticate(user);
  redirect("/suite/account");
};

/** GET is what OAuth callbacks are: the proxy refreshes the old token in the same request. */
export const GET = route((session, request) => login(session, request.nextUrl.searchParams.get("user")));

export const POST = route(async (session, request) => login(session, String((await request.formData()).get("user"))));
