/**
 * A process of the growth measurement: fills a storage with so many sessions, then reads or writes drawn ones for a
 * slice when it is told to.
 */
import { createClient } from "redis";
import { createStore } from "../dist/index.js";
import { memoryStorage } from "../dist/storage/memory.js";
import { redisStorage } from "../dist/storage/redis.js";
import { sessionData } from "./kinds.mjs";

const { storage, sessions, redis, sliceMs } = JSON.parse(process.argv[2]);
const TOKEN_BYTES = 43;
const ID_BYTES = 46;
const AT_ONCE = 64;
const EXPIRED_MS = 2_100_000;

let ahead = 0;
const clock = {
  now: () => Date.now() + ahead,
  setTimer(ms, callback) {
    const timer = setTimeout(() => callback(), ms);
    return () => clearTimeout(timer);
  },
};
const client =
  storage === "redis" ? await createClient({ url: redis }).on("error", console.error).connect() : undefined;
const store = createStore({ storage: client ? redisStorage(client) : memoryStorage(), clock });
/** Outside of the heap, which is what grows. */
const tokens = Buffer.alloc(sessions * TOKEN_BYTES);
const ids = Buffer.alloc(sessions * ID_BYTES);
let late;

const DOES = {
  R: async () => {
    const session = await store.getByToken(drawn(tokens, TOKEN_BYTES));
    if (session?.get("user") !== 7) throw new Error("a session is missing");
  },
  W: () => store.edit(drawn(ids, ID_BYTES), (session) => session.update("count", (count) => count + 1)),
  E: () => store.edit(late.id, (session) => session.update("count", (count) => count + 1)),
};

process.on("message", (kind) => {
  const done = kind === "fill" ? fill() : slice(kind);
  void done.then((cpu) => process.send({ cpu }));
});
process.once("disconnect", () => process.exit(0));

async function fill() {
  const data = sessionData(313);
  await atOnce(sessions, async (i) => {
    const { token, id } = await store.create(data);
    tokens.write(token, i * TOKEN_BYTES, "latin1");
    ids.write(id, i * ID_BYTES, "latin1");
  });
}

/** CPU of one request, in µs. */
async function slice(kind) {
  if (kind === "E") late ??= await afterAllExpired();
  const before = process.cpuUsage();
  const end = performance.now() + sliceMs;
  let done = 0;
  while (performance.now() < end) {
    await Promise.all(Array.from({ length: AT_ONCE }, DOES[kind]));
    done += AT_ONCE;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / done;
}

async function afterAllExpired() {
  ahead = EXPIRED_MS;
  return store.create(sessionData(313));
}

function drawn(buffer, bytes) {
  const i = Math.floor(Math.random() * sessions);
  return buffer.toString("latin1", i * bytes, (i + 1) * bytes);
}

async function atOnce(count, work) {
  for (let at = 0; at < count; at += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, i) => work(at + i)));
}
