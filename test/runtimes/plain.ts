/** The plainest program: the runtime serves the wrapped handler itself. `ask`: asks itself once, and prints. */
import { session } from "holdfast/fetch";

interface Data {
  n: number;
}

interface Runtimes {
  Bun?: { serve(options: object): { port: number } };
  Deno?: { serve(options: object, handler: unknown): unknown };
  process: { argv: string[] };
}

const sessions = session<Data>();

const handler = sessions((request: Request): Response => {
  const own = sessions.get(request);
  own.update("n", (n = 0) => n + 1);
  return Response.json({ n: own.get("n") });
});

const { Bun, Deno, process } = globalThis as unknown as Runtimes;
const HOST = { hostname: "127.0.0.1", port: 0 };
const tell = (port: number): void => console.log(JSON.stringify({ name: "plain", port, kinds: [] }));

if (process.argv[2] === "ask") console.log(await (await handler(new Request("http://localhost/"))).text());
else if (Bun) tell(Bun.serve({ ...HOST, fetch: handler }).port);
else Deno!.serve({ ...HOST, onListen: ({ port }: { port: number }) => tell(port) }, handler);
