/** The plainest program: the runtime serves the wrapped handler itself. `ask`: asks itself once, and prints. */
import { session } from "holdfast/fetch";
import { serveHere } from "./own-server.js";

interface Data {
  n: number;
}

const sessions = session<Data>();

const handler = sessions((request: Request): Response => {
  const own = sessions.get(request);
  own.update("n", (n = 0) => n + 1);
  return Response.json({ n: own.get("n") });
});

if (process.argv[2] === "ask") console.log(await (await handler(new Request("http://localhost/"))).text());
else serveHere(handler);
