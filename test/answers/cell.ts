import { AsyncLocalStorage } from "node:async_hooks";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { ColumnStorage, type Column, type StorageName } from "./columns.js";
import { overHttp2 } from "./http2.js";
import type { App, Framework, Row } from "./row.js";
import { ColumnStage } from "./stage.js";
import type { Transcript } from "./transcript.js";
import { askOnce, NEXT, NEXT_BODY, PATIENCE, Wire, type Served } from "./wire.js";

/** What one cell of the matrix showed. */
export interface Observation {
  readonly transcript: Transcript;
  /** What was noted, and how often. */
  readonly notes: Readonly<Record<string, number>>;
  /** What nobody caught: each would have ended the process. */
  readonly crashes: readonly string[];
  /** How many calls stored something. */
  readonly saves: number;
  /** How often the program wrote to the session. */
  readonly writes: number;
  /** The types of the session's events. */
  readonly events: readonly string[];
}

/** Cells run side by side: what nobody catches is told apart by where it comes from. */
const running = new AsyncLocalStorage<string[]>();
const unclear: string[] = [];

/** From now on what nobody catches is observed, and does not end the process. */
export function observeCrashes(): void {
  process.on("uncaughtException", (error: unknown, origin) => {
    const { name, message, code } = (error ?? {}) as { name?: string; message?: string; code?: string };
    const text = `${origin === "unhandledRejection" ? "unhandled rejection" : "uncaught exception"}: ${code ?? name}: ${message?.split("\n")[0]}`;
    (running.getStore() ?? unclear).push(text);
  });
}

/** What nobody caught, and no cell can be said to have caused, since it was last asked. */
export function unclearCrashes(): string[] {
  return unclear.splice(0);
}

/** Serves a row's program as a column wants it, asks, and says what was seen. */
export async function observe(
  row: Row,
  framework: Framework,
  column: Column,
  storageName: StorageName,
  patience: number = 1,
): Promise<Observation> {
  const crashes: string[] = [];
  return running.run(crashes, async () => {
    const storage = new ColumnStorage(column, storageName);
    const headers: Record<string, string> = column.isKnown
      ? { Cookie: `session_id=${await storage.seed(column)}` }
      : {};
    const stage = new Running(framework, column, storage);
    const transcript = await stage.play(row, headers, patience * PATIENCE);
    return {
      transcript,
      notes: stage.notes,
      crashes,
      saves: storage.saves,
      writes: stage.writes,
      events: stage.events,
    };
  });
}

class Running extends ColumnStage implements Served {
  arrived = 0;
  readonly #open = new Set<ServerResponse>();

  /** Asks and waits until nothing goes on any more. */
  async play(row: Row, headers: Readonly<Record<string, string>>, patience: number): Promise<Transcript> {
    const server = serverOf(await row.app(this));
    this.#watch(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const ask = this.framework === "http2" ? overHttp2 : overHttp1;
    try {
      return await ask(row, port, headers, patience, this, () => this.settled());
    } finally {
      await this.settled(() => this.#open.size === 0);
      server.closeAllConnections?.();
      server.close();
      await this.end();
    }
  }

  get open(): number {
    return this.#open.size;
  }

  /** Answers what the harness asks itself, and sees how every other response ends. */
  #watch(server: Server): void {
    const listeners = server.listeners("request") as RequestListener[];
    server.removeAllListeners("request");
    server.on("request", (req: IncomingMessage, res: ServerResponse) => {
      if (req.url === NEXT) return void res.end(NEXT_BODY);
      this.arrived++;
      this.#open.add(res);
      res.on("finish", () => this.note("event finish"));
      res.on("close", () => {
        this.note("event close");
        this.#open.delete(res);
      });
      for (const listener of listeners) listener.call(server, req as never, res as never);
    });
  }
}

function serverOf(app: App): Server {
  return typeof app === "function" ? createServer(app) : (app as Server);
}

async function overHttp1(
  row: Row,
  port: number,
  headers: Readonly<Record<string, string>>,
  patience: number,
  served: Served,
  settled: () => Promise<void>,
): Promise<Transcript> {
  const wire = new Wire(port, headers, patience, served);
  try {
    await (row.ask ?? ((one: Wire) => askOnce(one, row.asked)))(wire);
    await settled();
    return wire.transcript();
  } finally {
    wire.close();
  }
}
