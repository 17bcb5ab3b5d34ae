import type { AddressInfo } from "node:net";

/** Where the examples listen: PORT, or 3000. */
export const port: number = Number(process.env["PORT"] ?? 3000);

/** Says where a server listens. */
export function announce(server: { address(): AddressInfo | string | null }): void {
  const address = server.address();
  if (typeof address === "object" && address) console.log(`http://localhost:${address.port}`);
}
