import type { Server } from "node:http";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { AnyOptions, App, AppOptions, Handle } from "./types.js";

/** The options of each session middleware. */
export function optionsOf({ sessions = {} }: AppOptions): readonly AnyOptions[] {
  return Array.isArray(sessions) ? (sessions as readonly AnyOptions[]) : [sessions as AnyOptions];
}

/** The middlewares in the order in which they are mounted. */
export function mountedOf<S>({ isMounted = true, times = 1 }: AppOptions, sessions: readonly S[]): readonly S[] {
  return isMounted ? Array.from({ length: times }, () => sessions).flat() : [];
}

/** Listens on an answer, as what writes logs does. */
export function logged(
  { log }: AppOptions,
  res: { once(event: string, listener: () => void): unknown },
  handle: () => Handle,
): void {
  if (!log) return;
  for (const event of ["finish", "close"]) res.once(event, () => log(handle()));
}

/** Listens on a free port; closing it ends every connection. */
export async function listening(
  server: Server | Http2Server,
  sessions: readonly any[],
  errors: readonly unknown[],
): Promise<App> {
  const earlier = errors.length;
  const connections = new Set<Socket | ServerHttp2Session>();
  const watch = (connection: Socket | ServerHttp2Session): void => {
    connections.add(connection);
    connection.once("close", () => connections.delete(connection));
  };
  server.on("connection", watch).on("session", watch);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    sessions,
    server,
    get errors() {
      return errors.slice(earlier);
    },
    port,
    origin: `http://localhost:${port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.destroy();
      await closed;
    },
  };
}

/** Errors given to `console.error`; frameworks that have no other error path report there. */
export const reported: unknown[] = [];

console.error = (...values: unknown[]) => void reported.push(...values.filter((value) => value instanceof Error));

/** A status of an error, as frameworks read it. */
export function statusOf(error: unknown): number {
  return (error as { status?: number } | undefined)?.status ?? 500;
}
