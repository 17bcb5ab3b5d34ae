/** The rows of the answers matrix, in a Worker. */
import { handler } from "./answers-handler.js";

export default { fetch: handler };
