/**
 * The plainest program: the runtime serves the wrapped handler itself. `ask`: asks itself once, and prints. `ask memory`:
 * with the storage of memory.
 */
import { session } from "holdfast/fetch";
import { memoryStorage } from "holdfast/storage/memory";
import { serveHere } from "./own-server.js";

interface Data {
  n: number;
}

const sessions = session<Data>(process.argv[3] === "memory" ? { storage: memoryStorage() } : {});

const handler = sessions((request: Request): Response => {
  const own = sessions.get(request);
  own.update("n", (n = 0) => n + 1);
  return Response.json({ n: own.get("n") });
});

if (process.argv[2] === "ask") console.log(await (await handler(new Request("http://localhost/"))).text());
else serveHere(handler);
