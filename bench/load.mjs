/**
 * The load, in a process of its own. Does what it is told: `{ open, port, connections, holds }` seeds sessions, `{
 * port, kind, ms, count }` loads and answers what it saw.
 */
import { open, run } from "./loading.mjs";

/** By port. */
const targets = new Map();

process.on("message", (message) => {
  if (message === "stop") process.exit(0);
  done(message).then(
    (result) => process.send({ result }),
    (error) => process.send({ error: String(error.stack ?? error) }),
  );
});
process.once("disconnect", () => process.exit(0));

async function done({ port, ...message }) {
  if (!message.open) return run(targets.get(port), message);
  targets.set(port, await open({ port, ...message }));
}
