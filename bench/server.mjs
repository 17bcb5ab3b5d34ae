/**
 * A server of one contender on one framework, in a process of its own: `{ framework, contender, variant, storage, redis }` as JSON. Tells the
 * one that started it its port, then answers each `mark` with the CPU time used so far.
 */
import { serve } from "./serve.mjs";

const { redis, ...what } = JSON.parse(process.argv[2]);
const server = await serve({ ...what, client: what.storage === "redis" && what.contender !== "bare" ? await connected() : undefined });

process.on("message", (message) => {
  if (message === "mark") process.send({ cpu: process.cpuUsage() });
  else if (message === "stop") process.exit(0);
});
process.once("disconnect", () => process.exit(0));
process.send({ port: server.address().port });

async function connected() {
  const { createClient } = await import("redis");
  return createClient({ url: redis }).on("error", console.error).connect();
}
