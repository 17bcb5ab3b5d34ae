/**
 * A server of one contender on one framework, in a process of its own: `{ framework, contender, variant, storage,
 * redis }` as JSON. Tells the one that started it its port, then answers each message with what it says of itself,
 * until it is told to `stop`.
 */
import { ANSWERS } from "./inside.mjs";
import { serve } from "./serve.mjs";

const { redis, ...what } = JSON.parse(process.argv[2]);
const server = await serve({
  ...what,
  client: what.storage === "redis" && what.contender !== "bare" ? await connected() : undefined,
});

process.on("message", (message) => {
  if (message === "stop") process.exit(0);
  void answer(message);
});
process.once("disconnect", () => process.exit(0));
process.send({ port: server.address().port });

async function answer(message) {
  process.send(await ANSWERS[message]());
}

async function connected() {
  const { createClient } = await import("redis");
  return createClient({ url: redis }).on("error", console.error).connect();
}
