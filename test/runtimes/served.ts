/**
 * `MODULE [native]`: the runtime's own server around the handler. On Node that is a module of `@hono/node-server`;
 * `native`: with the runtime's own classes. Prints one line: what it is, and where.
 */
import { handler } from "./handler.js";
import { KINDS } from "./kinds.js";

interface Runtimes {
  Bun?: { version: string; serve(options: object): { port: number } };
  Deno?: { version: { deno: string }; serve(options: object, handler: unknown): { addr: { port: number } } };
}

const { Bun, Deno } = globalThis as Runtimes;
const HOST = { hostname: "127.0.0.1", port: 0 };

if (Bun) tell(`Bun ${Bun.version}`, Bun.serve({ ...HOST, development: false, fetch: handler }).port);
else if (Deno)
  Deno.serve({ ...HOST, onListen: ({ port }: { port: number }) => tell(`Deno ${Deno.version.deno}`, port) }, handler);
else await onNode();

function tell(name: string, port: number): void {
  console.log(JSON.stringify({ name, port, kinds: Object.keys(KINDS) }));
}

/** The oldest version has no `createAdaptorServer` with options of its own. */
async function onNode(): Promise<void> {
  const { createAdaptorServer } = (await import(process.argv[2]!)) as typeof import("@hono/node-server");
  const server = createAdaptorServer({ fetch: handler, overrideGlobalObjects: process.argv[3] !== "native" });
  server.listen(0, HOST.hostname, () =>
    tell(`Node ${process.versions.node}`, (server.address() as { port: number }).port),
  );
}
