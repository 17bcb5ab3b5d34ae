import type { Store } from "holdfast";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Data, Handle } from "../handler.js";
import type { Mounting } from "../mounting.js";

/** How applications are built with one framework. */
export interface Adapter {
  readonly name: string;
  /** Builds the middlewares and the application around them; throws what the library throws of their options. */
  build(mountings: readonly Mounting[], handle: Handle): Application;
}

/** An application that does not listen yet. */
export interface Application {
  /** The store of the outermost middleware. */
  readonly store: Store<Data>;
  listen(): Promise<Running>;
}

/** An application that listens on the loopback address. */
export interface Running {
  readonly port: number;
  close(): Promise<void>;
}

/** Lets a server of Node listen on a free port. */
export async function listening(server: Server): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The part of a URL before the query. */
export const pathOf = (url: string | undefined): string => (url ?? "/").split("?")[0]!;
