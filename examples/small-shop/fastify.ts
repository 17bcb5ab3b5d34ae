import Fastify from "fastify";
import { crossOriginProtection, session } from "holdfast/fastify";
import { announce, port } from "../listening.js";
import { account, add, login, start, type Data } from "./pages.js";

const sessions = session<Data>();
const app = Fastify();
app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) =>
  done(null, new URLSearchParams(String(body))),
);
await app.register(crossOriginProtection());
await app.register(sessions);

const html = "text/html; charset=utf-8";
app.get("/", (request, reply) => reply.type(html).send(start(sessions.get(request))));
app.get("/login", (request, reply) => reply.type(html).send(login(sessions.get(request))));
app.get("/account", (request, reply) => {
  const page = account(sessions.get(request));
  return page === undefined ? reply.redirect("/login", 303) : reply.type(html).send(page);
});
app.post<{ Body: URLSearchParams }>("/add", (request, reply) => {
  add(sessions.get(request), request.body.get("item") ?? "");
  return reply.redirect("/", 303);
});
app.post<{ Body: URLSearchParams }>("/login", async (request, reply) => {
  await sessions.get(request).authenticate(request.body.get("user") ?? "");
  return reply.redirect("/account", 303);
});
app.post("/logout", async (request, reply) => {
  await sessions.get(request).destroy();
  return reply.redirect("/", 303);
});

await app.listen({ port });
announce(app.server);
