import { once } from "node:events";
import type { Server } from "node:http";

/** Where to listen, from the environment. */
export type Place = Readonly<Record<string, string | undefined>>;

const USUAL_PORT = 3000;
const LOOPBACK = "127.0.0.1";

/** How long responses in progress may take after a signal, in ms. */
const LAST_ANSWERS_MS = 400;

/** Listens on PORT and HOST; without PORT, if the default port is in use, on a free one. */
export async function listen(server: Server, { PORT, HOST }: Place): Promise<void> {
  const host = HOST || LOOPBACK;
  if (PORT) return listenOn(server, portOf(PORT), host);
  try {
    await listenOn(server, USUAL_PORT, host);
  } catch (error) {
    if (Object(error).code !== "EADDRINUSE") throw error;
    await listenOn(server, 0, host);
  }
}

/** The address for a browser. */
export function addressOf(server: Server, { HOST }: Place): string {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const isEverywhere = HOST === "0.0.0.0" || HOST === "::";
  const name = isEverywhere ? "localhost" : HOST || LOOPBACK;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}/`;
}

/** Ends the server on a signal: accepts no more requests, completes responses in progress, then closes connections. */
export function endOn(signals: readonly NodeJS.Signals[], server: Server): void {
  const end = (): void => {
    server.close();
    setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS).unref();
  };
  for (const signal of signals) process.once(signal, end);
}

async function listenOn(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host);
  await once(server, "listening");
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`PORT is ${JSON.stringify(text)}; write a number from 0 (any free port) to 65535`);
}
