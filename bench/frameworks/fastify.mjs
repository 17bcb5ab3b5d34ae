import fastify from "fastify";

export const packages = ["fastify"];
export const cookieOf = (request) => request.headers.cookie;
export const setCookie = (_request, reply, line) => reply.header("Set-Cookie", line);

/** `mount` registers what it needs. */
export async function serve({ mount, actions }) {
  const app = fastify({ logger: false, keepAliveTimeout: 0 });
  await mount?.(app);
  const handle = (action) => (request, reply) => {
    const result = action(request, reply);
    return typeof result?.then === "function" ? result : reply.send(result);
  };
  for (const name of ["read", "plain"]) app.get(`/${name}`, handle(actions[name]));
  for (const name of ["write", "login", "seed"]) app.post(`/${name}`, handle(actions[name]));
  await app.listen({ host: "127.0.0.1", port: 0 });
  return app.server;
}
