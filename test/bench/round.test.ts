import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { createClient } from "redis";
import { withService } from "../support/services.js";

/**
 * The smallest round of the benchmark: every contender is asked a few times, and answers what it should. No time is
 * looked at.
 */
interface Entrant {
  readonly name: string;
  readonly contender: string;
  readonly variant?: string;
  readonly kinds: string;
}
interface Contenders {
  readonly FRAMEWORKS: readonly string[];
  entrants(framework: string, storage: string): readonly Entrant[];
}
interface Loading {
  open(options: { port: number; connections: number; holds: boolean }): Promise<object>;
  run(target: object, options: { kind: string; count: number }): Promise<{ requests: number }>;
}
interface Serving {
  serve(options: object): Promise<Server>;
}

const bench = (file: string): Promise<unknown> => import(new URL(`../../bench/${file}`, import.meta.url).href);
const { installBench } = (await import(new URL("../../scripts/bench-packages.mjs", import.meta.url).href)) as {
  installBench(): Promise<void>;
};

await installBench();
const { FRAMEWORKS, entrants } = (await bench("contenders/index.mjs")) as Contenders;
const { open, run } = (await bench("loading.mjs")) as Loading;
const { serve } = (await bench("serve.mjs")) as Serving;

const CONNECTIONS = 2;
const ASKED = 6;

for (const framework of FRAMEWORKS) {
  for (const entrant of entrants(framework, "memory"))
    test(`${framework}, memory: ${entrant.name}`, () => smallestRound(framework, "memory", entrant));
}

await withService("redis", ({ url }) => {
  const client = createClient({ url });
  after(() => client.close());
  const connected = client.connect();
  for (const framework of FRAMEWORKS) {
    for (const entrant of entrants(framework, "redis").filter(({ contender }) => contender !== "bare"))
      test(`${framework}, redis: ${entrant.name}`, async () =>
        smallestRound(framework, "redis", entrant, await connected));
  }
});

test("a wrong answer is seen", async () => {
  const server = await serve({ framework: "node", contender: "bare" });
  try {
    const asIfStored = { ...(await open({ port: portOf(server), connections: 1, holds: false })), holds: true };
    await assert.rejects(run(asIfStored, { kind: "L", count: 1 }), /L was answered with 200 \{"user":7\}/);
    await run(asIfStored, { kind: "W", count: 1 });
    await assert.rejects(run(asIfStored, { kind: "W", count: 1 }), /W was answered with 200 \{"count":1\}/);
  } finally {
    close(server);
  }
});

/** Every kind of request, and the sessions still hold what was put into them after the login. */
async function smallestRound(
  framework: string,
  storage: string,
  { contender, variant, kinds }: Entrant,
  client?: unknown,
): Promise<void> {
  const server = await serve({ framework, storage, contender, variant, client });
  try {
    const target = await open({ port: portOf(server), connections: CONNECTIONS, holds: contender !== "bare" });
    for (const kind of [...kinds, ...kinds])
      assert.equal((await run(target, { kind, count: ASKED })).requests, ASKED);
  } finally {
    close(server);
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Also ends the connections of the clients. */
function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
