import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { crossOriginProtection, getSession, session, type Session } from "holdfast/node";
import { memoryStorage } from "holdfast/storage/memory";
import { check, type Same } from "../expect.js";
import type { Data } from "./data.js";

const sessions = session<Data>({
  storage: (req, res) => (req.url === "/" && !res.headersSent ? memoryStorage() : memoryStorage()),
  skip: (req) => req.url === "/health",
  errorHandler: (_error, req, res) => {
    check<Same<typeof req, IncomingMessage>>();
    check<Same<typeof res, ServerResponse>>();
    res.writeHead(503).end();
  },
});

export const server = createServer(
  sessions(async (req, res) => {
    check<Same<typeof req.session, Session<Data>>>();
    req.session.update("visits", (n = 0) => n + 1);
    getSession(req).get("cart")?.push("tea");
    // @ts-expect-error there is no such key
    req.session.get("visit");
    using opened = await sessions.open(req, res);
    await opened.save();
    res.end(String(req.session.get("visits")));
  }),
);
server.on("upgrade", async (req) => {
  using opened = await sessions.read(req);
  opened.get("visits");
});

const protect = crossOriginProtection({ trustedOrigins: ["https://login.example.com"] });
createServer(protect(sessions((req, res) => void res.end(req.session.id))));
createServer(sessions(protect((req: IncomingMessage, res) => void res.end(req.url))));
server.on("upgrade", (req) => protect.check(req));

export const tenants = session({ cookie: (req, res) => ({ path: req.url ?? "/", httpOnly: !res.headersSent }) });
