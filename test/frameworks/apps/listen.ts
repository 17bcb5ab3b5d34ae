import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { RunningApp } from "../framework.js";

/** Serves on a free port of this machine. */
export async function listen(
  server: Server | RequestListener,
  cleanup: () => unknown = () => {},
): Promise<RunningApp> {
  const serving = typeof server === "function" ? createServer(server) : server;
  if (!serving.listening) {
    serving.listen(0, "127.0.0.1");
    await once(serving, "listening");
  }
  return {
    origin: `http://127.0.0.1:${(serving.address() as AddressInfo).port}`,
    async close() {
      serving.closeAllConnections();
      await new Promise((resolve) => serving.close(resolve));
      await cleanup();
    },
  };
}
