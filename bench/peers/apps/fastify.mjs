import fastify from "fastify";

/** An application on Fastify behind a TLS proxy. */
export async function fastifyApp({ mount, verbs }, gates) {
  const app = fastify({ trustProxy: true, forceCloseConnections: true });
  await mount(app);
  app.get("/ping", (_request, reply) => reply.code(204).send());
  app.post("/:verb", async (request) => {
    const { key, value, gate } = request.query;
    return (await verbs[request.params.verb](request, { key, value, parked: () => gates.pass(gate) })) ?? {};
  });
  return { origin: await app.listen({ port: 0, host: "127.0.0.1" }), close: () => app.close() };
}
