/** Servers that differ from those of other tests. */
import { after } from "node:test";
import { ownService, unlessMissing, type Service, type ServerProcess } from "../../support/services.js";

interface Lib {
  program(name: string, options: { apt: string }): string;
}

/** A server that may be killed, and ends with the tests of its file. */
export interface OwnServer extends ServerProcess {
  start(): Promise<OwnServer>;
  stop(): Promise<void>;
}

interface RedisServer {
  redisServer(name: string, command: string, options: { args: string[] }): Promise<OwnServer>;
}

const services = new URL("../../../scripts/services/", import.meta.url);
const { program } = (await import(new URL("lib.mjs", services).href)) as Lib;
const { redisServer } = (await import(new URL("redis-server.mjs", services).href)) as RedisServer;

/** A Redis that keeps what it acknowledged. */
export function durableRedis(): Promise<OwnServer> {
  return startRedis("--appendonly", "yes", "--appendfsync", "always");
}

/** A Redis with these options besides. */
export async function startRedis(...args: string[]): Promise<OwnServer> {
  const server = await redisServer("redis", program("redis-server", { apt: "redis-server" }), {
    args: ["--repl-diskless-sync-delay", "0", ...args],
  });
  return ending(await server.start());
}

/** A service whose servers may be killed. */
export interface OwnService extends Service {
  readonly servers: readonly OwnServer[];
}

/** Declares tests with a service of their own, which ends with them. */
export function withOwn(name: string, declare: (service: OwnService) => unknown): Promise<void> {
  return unlessMissing(name, "", async () => {
    const service = await ownService(name);
    return declare({ ...service, servers: (service.servers as readonly OwnServer[]).map(ending) });
  });
}

function ending(server: OwnServer): OwnServer {
  after(() => server.stop());
  return server;
}
