/** Load on one server: keep-alive connections, one request at a time on each, every answer checked. */
import { Connection } from "./connection.mjs";
import { KINDS, SEED } from "./kinds.mjs";

/** Connects and seeds a session for each connection. `holds`: whether there are sessions at all. */
export async function open({ port, connections, holds }) {
  const all = await Promise.all(Array.from({ length: connections }, () => Connection.to(port)));
  for (const connection of all) {
    const { status } = await connection.ask(SEED);
    if (status !== 200 || (holds && !connection.hasCookies))
      throw new Error(`seeding: status ${status}, ${connection.hasCookies ? "with" : "without"} a cookie`);
  }
  return { all, holds };
}

/**
 * Each connection asks again and again until the time is over or so many were sent; what is on its way is waited for.
 */
export async function run({ all, holds }, { kind, ms = Infinity, count = Infinity }) {
  const { check, ...request } = KINDS[kind];
  const latencies = [];
  let left = count;
  const began = performance.now();
  const loop = async (connection) => {
    for (let now = performance.now(); now - began < ms && left-- > 0; ) {
      const { status, body, hasNewCookie } = await connection.ask(request);
      const then = performance.now();
      latencies.push(then - now);
      now = then;
      if (status !== 200 || check({ body, connection, hasNewCookie, holds }))
        throw new Error(`${kind} was answered with ${status} ${body}${hasNewCookie ? " and a cookie" : ""}`);
    }
  };
  await Promise.all(all.map(loop));
  const took = performance.now() - began;
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
  return { requests: latencies.length, perSecond: (latencies.length / took) * 1000, p50: at(0.5), p99: at(0.99) };
}
