/** The rows of the answers matrix, on the server of Bun or of Deno. */
import { handler } from "./answers-handler.js";
import { serveHere } from "./own-server.js";

serveHere(handler);
