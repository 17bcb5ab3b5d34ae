import formbody from "@fastify/formbody";
import makeFastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { IncomingMessage, Server } from "node:http";
import type { Session, StoredSession } from "holdfast";
import * as entry from "holdfast/fastify-plain";
import { nodeBody } from "./bodies.js";
import { listening, logged, mountedOf, optionsOf, statusOf } from "./serving.js";
import type { Adapter, App, AppOptions, Data, Handle, Reply, Routes, Write } from "./types.js";

async function start(options: AppOptions, routes: Routes): Promise<App> {
  const sessions = optionsOf(options).map((one) => entry.session<Data>(one as entry.FastifyOptions));
  const errors: unknown[] = [];
  const app = (options.isHttp2 ? makeFastify({ http2: true }) : makeFastify()) as unknown as FastifyInstance;
  const { guard, errorPage } = options;
  app.addHook("onRequest", async (request, reply) =>
    logged(options, reply.raw, () => new FastifyHandle(sessions, request, reply)),
  );
  if (options.crossOrigin) await app.register(entry.crossOriginProtection(options.crossOrigin));
  if (options.parsesForms) await app.register(formbody);
  else leaveBodies(app);
  for (const one of mountedOf(options, sessions)) await app.register(one);
  if (guard)
    app.addHook("preHandler", async (request, reply) =>
      guard(new FastifyHandle(sessions, request, reply)) ? undefined : reply.code(401).send("who are you?"),
    );
  app.setErrorHandler((error, request, reply) => {
    errors.push(error);
    if (!errorPage) return reply.send(error);
    return reply.code(statusOf(error)).send(errorPage(new FastifyHandle(sessions, request, reply), error));
  });
  for (const [path, handler] of Object.entries(routes))
    app.all(path, (request, reply) => handler(new FastifyHandle(sessions, request, reply)));
  await app.ready();
  return listening(app.server as Server, sessions, errors);
}

/** Handlers that read the body themselves. */
function leaveBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
}

class FastifyHandle implements Handle {
  readonly native: { request: FastifyRequest; reply: FastifyReply };
  readonly sessions: readonly any[];

  constructor(sessions: readonly any[], request: FastifyRequest, reply: FastifyReply) {
    this.sessions = sessions;
    this.native = { request, reply };
  }

  get context(): object {
    return this.native.request;
  }

  get method(): string {
    return this.native.request.method;
  }

  get url(): string {
    return this.native.request.url;
  }

  get session(): Session<Data> {
    return this.native.request.session as Session<Data>;
  }

  assignSession(value: unknown): void {
    (this.native.request as { session: unknown }).session = value;
  }

  getSession(): Session<Data> {
    return entry.getSession<Data>(this.context);
  }

  loadSession(): Promise<Session<Data>> {
    return entry.loadSession<Data>(this.context);
  }

  findSession(): Session<Data> | undefined {
    return entry.findSession<Data>(this.context);
  }

  open(): Promise<StoredSession<Data>> {
    return this.sessions[0].open(this.native.request, this.native.reply);
  }

  answer({ status = 200, body, headers = {} }: Reply): FastifyReply {
    return this.native.reply.code(status).headers(headers).send(body);
  }

  json(value: unknown): FastifyReply {
    return this.native.reply.send(value);
  }

  redirect(location: string): FastifyReply {
    return this.native.reply.redirect(location, 303);
  }

  stream(produce: (write: Write) => Promise<void>, { status = 200, headers = {} }: Reply = {}): FastifyReply {
    return this.native.reply.code(status).headers(headers).send(nodeBody(produce));
  }

  async readBody(): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.native.request.raw) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString("utf8");
  }

  async parsedBody(): Promise<Record<string, unknown>> {
    return this.native.request.body as Record<string, unknown>;
  }

  headersSent(): boolean {
    return this.native.reply.raw.headersSent;
  }
}

const way =
  (answer: (reply: FastifyReply, line: string) => unknown) =>
  ({ native: { reply } }: Handle, line: string): unknown =>
    answer(reply as FastifyReply, line);

export const fastify: Adapter = {
  name: "fastify",
  start,
  cookieWays: {
    "reply.header": way((reply, line) => reply.header("Set-Cookie", line).send("ok")),
    "reply.header with a list": way((reply, line) => reply.header("Set-Cookie", [line]).send("ok")),
    "reply.headers": way((reply, line) => reply.headers({ "set-cookie": line }).send("ok")),
    "reply.header, and the body returned": way((reply, line) => {
      void reply.header("Set-Cookie", line);
      return Promise.resolve("ok");
    }),
    "reply.send of a Response": way((reply, line) =>
      reply.send(new Response("ok", { headers: { "Set-Cookie": line } })),
    ),
    "reply.header beside a stream": way((reply, line) =>
      reply.header("Set-Cookie", line).send(nodeBody((write) => write("ok"))),
    ),
    "reply.raw.setHeader": way((reply, line) => {
      reply.raw.setHeader("Set-Cookie", line);
      return reply.send("ok");
    }),
    "reply.hijack and writeHead with an object": way((reply, line) => {
      reply.hijack();
      reply.raw.writeHead(200, { "Set-Cookie": line }).end("ok");
    }),
    "reply.hijack and writeHead with a flat list": way((reply, line) => {
      reply.hijack();
      reply.raw.writeHead(200, ["Set-Cookie", line]).end("ok");
    }),
  },
  answerError: ([, reply]: readonly [FastifyRequest, FastifyReply], status, text) => reply.code(status).send(text),
  pathOf: ([request]) => (request as FastifyRequest).url,
  read: (sessions: entry.Sessions<Data>, request: IncomingMessage) => sessions.read(request),
};
