/**
 * `npm run bench -- --heap`: bytes of heap that a session takes in memory, and what is left of it after all expired.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createStore } from "../dist/index.js";
import { memoryStorage } from "../dist/storage/memory.js";
import { sessionData } from "./kinds.mjs";
import { number, targetLine, verdict } from "./tables.mjs";
import { judged } from "./targets.mjs";

const SESSIONS = 200_000;
const BYTES = 313;
const IDLE_MS = 1_800_000;
/** Drivers keep a record for so long after it expired, since clocks differ. */
const SKEW_MS = 300_000;

/** Measures in a process of its own, whose garbage can be collected when asked. */
export async function run() {
  const child = fork(fileURLToPath(import.meta.url), ["measure"], {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const heap = await new Promise((resolve, reject) =>
    child.once("message", resolve).once("exit", (code) => reject(new Error(`the measurement ended with ${code}`))),
  );
  const targets = [judged("heapBytes", heap.bytesPerSession), judged("reclaimed", heap.reclaimed)];
  console.log(
    `\n  ${heap.sessions} sessions of ${BYTES} bytes (JSON) in memory: ${number(heap.bytesPerSession)} bytes ` +
      `of heap each; ${number(heap.reclaimed * 100)} % of it is back after they expired`,
  );
  for (const target of targets) console.log(`    ${verdict(target)}: ${targetLine(target.name)}`);
  return { heap, targets };
}

async function measure() {
  let now = Date.now();
  const clock = { now: () => now, setTimer: () => () => {} };
  const storage = memoryStorage();
  const store = createStore({ storage, clock, idleTimeout: IDLE_MS });
  await store.create(sessionData(BYTES));
  const empty = heapUsed();
  for (let i = 0; i < SESSIONS; i++) await store.create(sessionData(BYTES));
  const full = heapUsed();
  now += IDLE_MS + SKEW_MS;
  await writeUntilGone(store, storage);
  const left = heapUsed();
  process.send({
    sessions: SESSIONS,
    bytesPerSession: (full - empty) / SESSIONS,
    reclaimed: (full - left) / (full - empty),
    entriesLeft: storage.size,
  });
}

/** Expired records go a few at a time while others are written: what one busy session does. */
async function writeUntilGone(store, storage) {
  const { id } = await store.create({ writes: 0 });
  for (let i = 0; i < SESSIONS && storage.size > 1; i++) await store.edit(id, (session) => session.set("writes", i));
}

function heapUsed() {
  for (let i = 0; i < 4; i++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

if (process.argv[2] === "measure" && process.send) {
  await measure();
  process.disconnect();
}
