/**
 * `begin FILE`: begins a session in a Deno KV and prints its id. `count FILE ID TIMES`: increments it, and begins and
 * ends other sessions of one owner in between. `read FILE ID`: prints what is stored.
 */
import { createStore } from "holdfast";
import { denoKvStorage, type DenoKv } from "holdfast/storage/deno-kv";

interface Data {
  n: number;
}

const { Deno } = globalThis as unknown as { readonly Deno: { openKv(file: string): Promise<DenoKv> } };

const [mode, file, id, times] = process.argv.slice(2) as [string, string, string, string];
const store = createStore<Data>({ storage: denoKvStorage(await Deno.openKv(file)), maxSessionsPerOwner: 1000 });
if (mode === "begin") console.log((await store.create({ n: 0 })).id);
else if (mode === "read")
  console.log(JSON.stringify([(await store.getById(id))!.get("n"), (await store.listByOwner("ann")).length]));
else await count();
process.exit();

async function count(): Promise<void> {
  for (let i = 0; i < Number(times); i++) {
    await store.edit(id, (session) => session.update("n", (n = 0) => n + 1));
    const own = await store.create({}, { owner: "ann" });
    if (i % 2 === 0) await store.delete(own.id);
  }
}
