import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import module from "holdfast/nuxt";

/** What a thread of the development server does: it stores a session, or reads that of a thread before it. */
const THREAD = `
  import { parentPort, workerData } from "node:worker_threads";
  const { session } = await import(workerData.entry);
  const { store } = session();
  const found = workerData.token ? await store.getByToken(workerData.token) : undefined;
  if (found) { found.set("visits", found.get("visits") + 1); await found.save(); }
  const stored = found ?? await store.create({ visits: 1 });
  parentPort.postMessage({ token: stored.token ?? workerData.token, visits: stored.get("visits") });
  parentPort.close();
`;

async function thread(token?: string): Promise<{ token: string; visits: number }> {
  const entry = import.meta.resolve("holdfast/nuxt");
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`), {
    workerData: { entry, token },
  });
  const [message] = (await once(worker, "message")) as [{ token: string; visits: number }];
  await worker.terminate();
  return message;
}

test("in development, threads of the server that replace each other have one memory, in the main thread", async (t) => {
  t.after(() => delete process.env["HOLDFAST_NUXT_MEMORY"]);
  const options = {
    dev: true,
    serverDir: "/nowhere",
    buildDir: "/nowhere/.nuxt",
    modules: [],
    build: { templates: [] },
    _installedModules: [],
  };
  module({}, { options, hook() {} });
  const first = await thread();
  assert.deepEqual(await thread(first.token), { token: first.token, visits: 2 });
  assert.equal((await thread(first.token)).visits, 3);
});
