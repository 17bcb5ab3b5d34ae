/**
 * One server process of a soak: an application over one adapter, with a clock of its own. It ends with the process
 * that started it.
 */
import { rmSync } from "node:fs";
import type { Clock } from "holdfast";
import type { Adapter, Handle } from "../../support/apps/types.js";
import { aWhile } from "../../support/within.js";
import { ACTS, increment, isJob, snapshot, whose, work, type Act, type Ask } from "./acts.js";
import { openStorage, REMOVAL, type Address } from "./databases.js";
import { sabotaged } from "./sabotages.js";

/** What a server process is told when it starts. */
export interface ServerConfig {
  readonly nth: number;
  readonly adapter: "node" | "express" | "fastify" | "hono";
  readonly address: Address;
  /** How far the clock of this process is off, in ms. */
  readonly offset: number;
  readonly sabotage?: string | undefined;
}

/** More than a soak reaches: no session ends because of the limit. */
const MOST_SIGNED_IN = 1000;

const config = JSON.parse(process.argv[2]!) as ServerConfig;
process.once("disconnect", () => {
  if (config.address.kind === "sqlite") rmSync(config.address.directory, REMOVAL);
  process.exit();
});

const clock: Clock = {
  now: () => Date.now() + config.offset,
  setTimer(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

const opened = await openStorage(config.address, config.nth);
const storage = config.sabotage === undefined ? opened : sabotaged(opened, config.sabotage);
/** The application of Fastify uses the entry without declarations. */
const file = config.adapter === "fastify" ? "fastify-plain" : config.adapter;
const { [config.adapter]: adapter } = (await import(`../../support/apps/${file}.js`)) as Record<string, Adapter>;
const sessions = {
  storage,
  clock,
  refreshInterval: "1s",
  storageTimeout: 1000,
  commitTimeout: 2500,
  maxSessionsPerOwner: MOST_SIGNED_IN,
} as const;
const app = await adapter!.start({ sessions }, { "/": answer });
process.send!({ port: app.port });

async function answer(handle: Handle): Promise<unknown> {
  const ask = JSON.parse(new URL(handle.url, "http://localhost").searchParams.get("ask")!) as Ask;
  if (isJob(ask.act)) return handle.json(await work(handle.sessions[0].store, ask));
  const session = handle.session as never;
  const seen = snapshot(session);
  await aWhile(ask.park);
  if (ask.act === "late") return late(handle, ask, seen);
  await ACTS[ask.act as Exclude<Act, "late">](session, ask);
  return handle.json({ seen, ...whose(session) });
}

/** Counts after the first byte, in a session that is there already. */
function late(handle: Handle, ask: Ask, seen: object): unknown {
  const session = handle.session as never;
  const told = { seen, ...whose(session) };
  return handle.stream(async (write) => {
    await write(JSON.stringify(told));
    await aWhile(ask.park);
    if (told.origin !== undefined) increment(session, ask.word);
  });
}
