/** The server that a runtime has of its own, where it has one. */
interface Runtimes {
  Bun?: { version: string; serve(options: object): { port: number } };
  Deno?: { version: { deno: string }; serve(options: object, handler: unknown): unknown };
}

const { Bun, Deno } = globalThis as Runtimes;

export const HOST = { hostname: "127.0.0.1", port: 0 };

/**
 * Serves a handler; prints one line: what it is, where, and what it can answer. False where there is no such server.
 */
export function serveHere(handler: unknown, kinds: readonly string[] = []): boolean {
  if (Bun) tell(`Bun ${Bun.version}`, Bun.serve({ ...HOST, development: false, fetch: handler }).port, kinds);
  else if (Deno) {
    const name = `Deno ${Deno.version.deno}`;
    Deno.serve({ ...HOST, onListen: ({ port }: { port: number }) => tell(name, port, kinds) }, handler);
  }
  return Bun !== undefined || Deno !== undefined;
}

export function tell(name: string, port: number, kinds: readonly string[]): void {
  console.log(JSON.stringify({ name, port, kinds }));
}
