import { openPiped, type PipedClient } from "../../support/piped.js";
import type { Open } from "./clients.js";

type BunClient = Exclude<PipedClient, "deno-kv">;

const HOST = "127.0.0.1";

const URLS: Readonly<Record<BunClient, (port: number) => string>> = {
  redis: (port) => `redis://${HOST}:${port}`,
  postgres: (port) => `postgres://postgres@${HOST}:${port}/postgres`,
  mysql: (port) => `mysql://root@${HOST}:${port}/holdfast`,
};

/** Opens a client of Bun at a port; by default with the options that it has by default. */
export function openBun(client: BunClient, options: object = {}): Open {
  return async (port) => ({
    ...(await openPiped(client, URLS[client](port), options)),
    keepsCommands: client === "redis",
  });
}
