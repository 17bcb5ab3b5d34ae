import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "../../support/client.js";

/** A program of packages that were written for another session library, with the lines they need. */
export interface Check {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** Runs `visit` with a client of a server that listens on a free port. */
export async function visited(server: Server, visit: (client: Client) => Promise<void>): Promise<void> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await visit(new Client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
