import { getSession, route } from "../../lib.js";

/** The session of the route is found by what it calls. */
async function count() {
  (await getSession()).update("n", (n = 0) => n + 1);
}

export const POST = route(async (session) => {
  await count();
  return Response.json(session.get("n"));
});
