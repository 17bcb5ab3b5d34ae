import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { shop } from "../shop/app.js";
import { addressOf, endOn, listen } from "../shop/listening.js";
import { openStorage, printFindings } from "../shop/storage.js";
import { backendOf } from "./backends.js";
import { demonstration } from "./server.js";

/** What can be chosen on the command line. */
export interface Choices {
  /** The address of a database; default: the memory of this process. */
  readonly storage?: string | undefined;
  /** Default: the environment's PORT, else 3000 or a free one. */
  readonly port?: string | undefined;
}

/** Opens the demonstration, and the shop beside it, until a signal ends both. */
export async function openDemonstration({ storage, port }: Choices): Promise<void> {
  const backend = await backendOf(storage);
  const opened = await openStorage(storage);
  await printFindings(opened.storage, opened.name);
  const shopServer = createServer(shop({ storage: opened.storage }));
  const shopPort = (): number => (shopServer.address() as AddressInfo).port;
  const server = createServer(demonstration({ backend, shopPort }));
  const place = { HOST: process.env["HOST"], PORT: port ?? process.env["PORT"] };
  const shopPlace = { ...place, PORT: "0" };
  try {
    await listen(server, place);
    await listen(shopServer, shopPlace);
  } catch (error) {
    server.close();
    await opened.close();
    throw error;
  }
  shopServer.once("close", () => void opened.close());
  endOn(["SIGINT", "SIGTERM"], server);
  endOn(["SIGINT", "SIGTERM"], shopServer);
  console.log(
    `The demonstration is open: ${addressOf(server, place)}  (sessions in ${backend.name}; ctrl-C closes it)\n` +
      `The same in an application, a shop: ${addressOf(shopServer, shopPlace)}`,
  );
}
