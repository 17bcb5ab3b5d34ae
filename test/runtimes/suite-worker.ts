/** Plays, inside a Worker, each at a request of its own, what `/` lists: `/?suite=…&name=…`. */
import { NOT_EXPRESSIBLE } from "../adapters/not-expressible.js";
import { CASES, play } from "../adapters/suite.js";
import { ADAPTERS } from "../support/apps.js";
import type { Service } from "../support/services.js";
import { CASES as KIT, DECORATORS } from "../support/storage-suites.js";
import { storageSuite } from "holdfast/testing";
import { caseLeftOut } from "./meant.js";
import { STORAGES, type StorageClient, type WorkerBindings } from "./storages.js";
import { lacking } from "./worker-apps.js";

export { HoldfastSessions } from "holdfast/storage/cloudflare";

interface Env extends WorkerBindings {
  /** JSON of the servers that were started for it. */
  readonly SERVICES: string;
}

interface Piece {
  readonly suite: string;
  readonly name: string;
  readonly leftOut?: string | undefined;
  run(env: Env): Promise<void>;
}

const PIECES: readonly Piece[] = [
  ...ADAPTERS.flatMap((adapter) =>
    CASES.filter(({ name }) => !NOT_EXPRESSIBLE[name]?.[adapter.name]).map((one): Piece => {
      const leftOut = caseLeftOut("workerd", adapter.name, one.name);
      const name = `${adapter.name}: ${one.name}`;
      return { suite: `adapters/${adapter.name}`, name, leftOut, run: () => play(one, adapter) };
    }),
  ),
  ...STORAGES.flatMap((client) =>
    Object.keys(DECORATORS).flatMap((decorator) =>
      KIT.map((name): Piece => {
        const run = (env: Env): Promise<void> => playStorage(client, decorator, name, env);
        return { suite: `storages/${client.name}`, name: `${client.name}, ${decorator}: ${name}`, run };
      }),
    ),
  ),
];

/** A connection lives no longer than the request that opened it. */
async function playStorage(
  { server, open }: StorageClient,
  decorator: string,
  name: string,
  env: Env,
): Promise<void> {
  const where = server && (JSON.parse(env.SERVICES) as Record<string, Service>)[server];
  const { storage, close } = await open(where, env);
  const decorated = DECORATORS[decorator]!(storage);
  await storageSuite(() => ({ storage: decorated }))
    .find((one) => one.name === name)!
    .run();
  await close();
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const name = searchParams.get("name");
    if (!name) return Response.json(PIECES.map(({ suite, name }) => ({ suite, name })));
    const left = new Promise<object>((resolve) => {
      lacking.end = () => resolve({ leftOut: "a Worker's handler sees no connection" });
    });
    const piece = PIECES.find((one) => one.suite === searchParams.get("suite") && one.name === name)!;
    if (piece.leftOut !== undefined) return Response.json({ leftOut: piece.leftOut });
    return Response.json(await Promise.race([left, piece.run(env).then(() => ({}), told)]));
  },
};

function told(error: unknown): { error: string } {
  return { error: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) };
}
