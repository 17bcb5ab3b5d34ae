/**
 * A server of Express with sessions in Redis, and one request of a client that has a session: which functions of the
 * library ran in it, by file, as one line of JSON. Its argument is the address of the Redis.
 */
import { once } from "node:events";
import { Session as Inspector, type Profiler } from "node:inspector/promises";
import type { AddressInfo } from "node:net";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import express from "express";
import type { Session } from "holdfast";
import { session } from "holdfast/express";
import { redisStorage } from "holdfast/storage/redis";
import { createClient } from "redis";

const DIST = new URL("../../dist/", import.meta.url);
/** So many requests before the one that counts: whatever is done once is done by then. */
const WARM = 5;

const redis = createClient({ url: process.argv[2]! });
await redis.connect();
const app = express();
app.use(session({ storage: redisStorage(redis) }));
app.get("/", (req, res) => {
  (req.session as unknown as Session<{ visits: number }>).update("visits", (visits = 0) => visits + 1);
  res.send("ok");
});
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

let cookie = "";
const visit = async () => {
  const response = await fetch(url, { headers: { cookie } });
  if ((await response.text()) !== "ok") throw new Error(`answered ${response.status}`);
  cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? cookie;
};
for (let count = 0; count < WARM; count++) await visit();

const inspector = new Inspector();
inspector.connect();
await inspector.post("Profiler.enable");
await inspector.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
await inspector.post("Profiler.takePreciseCoverage");
await visit();
const { result } = await inspector.post("Profiler.takePreciseCoverage");
console.log(
  JSON.stringify(
    Object.fromEntries(
      result
        .filter(isOurs)
        .map(functionsOf)
        .filter(([, names]) => names.length > 0),
    ),
  ),
);
inspector.disconnect();
server.close();
server.closeAllConnections();
redis.destroy();

function isOurs({ url }: Profiler.ScriptCoverage): boolean {
  return url.startsWith(DIST.href);
}

/** A file, and its functions that ran: the names of methods and functions, the offset of what has none. */
function functionsOf({ url, functions }: Profiler.ScriptCoverage): [string, string[]] {
  const ran = functions.filter(({ ranges }) => ranges[0]!.count > 0);
  const names = ran.map(({ functionName, ranges }) => functionName || `at ${ranges[0]!.startOffset}`);
  return [relative(fileURLToPath(DIST), fileURLToPath(url)).replaceAll("\\", "/"), names];
}
