/** What every kind of Redis service starts. */
import { execFileSync } from "node:child_process";
import { freePort, HOST, Server, temporaryDirectory } from "./lib.mjs";

/** A server of Redis or Valkey, not yet started: it saves nothing and listens on the loopback interface. */
export async function redisServer(name, command, { port, args = [], env } = {}) {
  const chosen = port ?? (await freePort());
  const directory = temporaryDirectory(name);
  const own = ["--port", `${chosen}`, "--bind", HOST, "--dir", directory, "--save", "", "--appendonly", "no"];
  return new Server({ name, command, args: [...own, ...args], port: chosen, directory, env });
}

/** One server, started. */
export async function startRedis(name, command, env) {
  const server = await (await redisServer(name, command, { env })).start();
  return { url: `redis://${HOST}:${server.port}`, version: redisVersion(command, env), servers: [server] };
}

/** The version that a program of Redis or Valkey says it has. */
export function redisVersion(command, env = {}) {
  return /v=(\S+)/.exec(
    execFileSync(command, ["--version"], { encoding: "utf8", env: { ...process.env, ...env } }),
  )?.[1];
}
