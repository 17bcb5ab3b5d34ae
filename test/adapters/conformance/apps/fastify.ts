import formbody from "@fastify/formbody";
import makeFastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RouteHandlerMethod,
} from "fastify";
import { findSession, getSession, session, type Session, type Sessions } from "holdfast/fastify";
import { SCRIPT_HEADER, type Data, type Handle, type Visit } from "../handler.js";
import { optionsFor } from "../mounting.js";
import { listening, pathOf as beforeQuery, type Adapter } from "./types.js";

const pathOf = (request: FastifyRequest): string => beforeQuery(request.url);

const down = (_request: FastifyRequest, reply: FastifyReply): void => void reply.code(503).send("down");

export const fastify: Adapter = {
  name: "fastify",
  build(mountings, handle) {
    const all = mountings.map((mounting) => ({
      ...mounting,
      sessions: session<Data>(optionsFor(mounting, pathOf, down)),
    }));
    const innermost = all.at(-1)!.sessions;
    const app = makeFastify({ forceCloseConnections: true });
    app.register(formbody);
    app.addContentTypeParser("*", (_request, _payload, done) => done(null));
    const mounted = all.filter(({ isMounted }) => isMounted);
    const page = (scope: FastifyInstance, path: string): void => {
      for (const { sessions, route } of mounted) if (route === undefined || route === path) scope.register(sessions);
      scope.all(path, answering(handle, innermost));
    };
    const routes = mounted.flatMap(({ route }) => route ?? []);
    if (routes.length === 0) page(app, "*");
    else for (const path of new Set([...routes, "*"])) app.register(async (scope) => page(scope, path));
    return {
      store: all[0]!.sessions.store,
      async listen() {
        await app.ready();
        return listening(app.server);
      },
    };
  },
};

function answering(handle: Handle, innermost: Sessions<Data>): RouteHandlerMethod {
  return async (request, reply) => {
    const answer = await handle(visit(request, reply, innermost));
    if (!answer) return reply.callNotFound();
    for (const [name, value] of answer.headers) reply.header(name, value);
    return reply.code(answer.status).send(answer.body);
  };
}

function visit(request: FastifyRequest, reply: FastifyReply, innermost: Sessions<Data>): Visit {
  return {
    method: request.method,
    path: pathOf(request),
    script: request.headers[SCRIPT_HEADER] as string | undefined,
    find: () => findSession(request) as Session<any> | undefined,
    get: () => getSession(request) as Session<any>,
    open: () => innermost.open(request, reply),
    store: innermost.store,
  };
}
