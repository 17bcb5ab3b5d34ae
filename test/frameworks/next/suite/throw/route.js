import { route } from "../../lib.js";

export const GET = route((session) => {
  session.set("thrown", "yes");
  throw new Error("the handler of the suite");
});
