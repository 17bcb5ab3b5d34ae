import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { findSession, getSession, session, type Session, type StoredSession } from "holdfast/node";
import { SCRIPT_HEADER, type Data, type Handle, type Reply, type Visit } from "../handler.js";
import { optionsFor, routed } from "../mounting.js";
import { listening, pathOf, type Adapter } from "./types.js";

/** What servers of `(req, res)` have in common. */
interface Access {
  readonly store: Visit["store"];
  open(req: IncomingMessage, res: ServerResponse): Promise<StoredSession<Data>>;
}

/** A request of a server of `(req, res)`. */
export function nodeVisit(req: IncomingMessage, res: ServerResponse, innermost: Access): Visit {
  return {
    method: req.method!,
    path: nodePath(req),
    script: req.headers[SCRIPT_HEADER] as string | undefined,
    find: () => findSession(req) as Session<any> | undefined,
    get: () => getSession(req) as Session<any>,
    open: () => innermost.open(req, res),
    store: innermost.store,
  };
}

export const nodePath = (req: IncomingMessage): string =>
  pathOf((req as { originalUrl?: string }).originalUrl ?? req.url);

export function nodeDown(_req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(503, { "Content-Type": "text/plain" }).end("down");
}

/** Answers with what node:http offers. */
export function nodeReply(res: ServerResponse, { status, headers, body }: Reply): void {
  res.statusCode = status;
  for (const [name, value] of headers) res.appendHeader(name, value);
  res.end(body);
}

export const node: Adapter = {
  name: "node",
  build(mountings, handle) {
    const all = mountings.map((mounting) => ({
      ...mounting,
      sessions: session<Data>(optionsFor(mounting, nodePath, nodeDown)),
    }));
    let listener: RequestListener = answering(handle, all.at(-1)!.sessions);
    for (const { sessions, isMounted, route } of all.toReversed()) {
      const inner = listener;
      const outer = sessions(inner as Parameters<typeof sessions>[0]);
      if (isMounted)
        listener =
          route === undefined
            ? outer
            : (req, res) => (routed(route, nodePath(req)) ? outer : inner)(req as never, res as never);
    }
    return { store: all[0]!.sessions.store, listen: () => listening(createServer(listener)) };
  },
};

function answering(handle: Handle, innermost: Access): RequestListener {
  return async (req, res) =>
    nodeReply(res, (await handle(nodeVisit(req, res, innermost))) ?? { status: 404, headers: [], body: "Not Found" });
}
