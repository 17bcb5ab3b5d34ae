import { session } from "holdfast/fetch";
import { denoKvStorage } from "holdfast/storage/deno-kv";

const kv = await Deno.openKv();
const sessions = session({ storage: denoKvStorage(kv, { prefix: ["app", 1] }) });

// @ts-expect-error a promise is not a database
denoKvStorage(Deno.openKv());
// @ts-expect-error a prefix has parts
denoKvStorage(kv, { prefix: "app" });

Deno.serve(sessions(() => new Response("plain")));
