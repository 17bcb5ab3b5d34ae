/** A service and a logger that use the session of the running request, without passing `req` on. */
import { setTimeout } from "node:timers/promises";
import Fastify from "fastify";
import { currentSession, findCurrentSession } from "holdfast/als";
import { session } from "holdfast/fastify";
import { announce, port } from "./listening.js";

interface Data {
  orders: string[];
}

/** A part of the application without a framework. */
async function order(article: string): Promise<number> {
  await setTimeout(5);
  currentSession<Data>().update("orders", (orders = []) => [...orders, article]);
  log(`ordered ${article}`);
  return currentSession<Data>().get("orders")?.length ?? 0;
}

/** Also called outside requests. */
function log(message: string): void {
  console.error(JSON.stringify({ message, session: findCurrentSession()?.id ?? null }));
}

const app = Fastify();
await app.register(session<Data>({ asyncLocalStorage: true }));
app.post<{ Params: { article: string } }>("/orders/:article", async ({ params }) => {
  return { orders: await order(params.article) };
});
app.get("/id", () => ({ id: currentSession().id }));

await app.listen({ port });
announce(app.server);
log("listening");
