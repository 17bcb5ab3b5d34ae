/**
 * `MODULE [native]`: the runtime's own server around the handler. On Node that is a module of `@hono/node-server`;
 * `native`: with the runtime's own classes. Prints one line: what it is, and where.
 */
import { handler } from "./handler.js";
import { KINDS } from "./kinds.js";
import { HOST, serveHere, tell } from "./own-server.js";

if (!serveHere(handler, Object.keys(KINDS))) await onNode();

/** The oldest version has no `createAdaptorServer` with options of its own. */
async function onNode(): Promise<void> {
  const { createAdaptorServer } = (await import(process.argv[2]!)) as typeof import("@hono/node-server");
  const server = createAdaptorServer({ fetch: handler, overrideGlobalObjects: process.argv[3] !== "native" });
  server.listen(0, HOST.hostname, () =>
    tell(`Node ${process.versions.node}`, (server.address() as { port: number }).port, Object.keys(KINDS)),
  );
}
