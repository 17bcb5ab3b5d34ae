import type { SessionEvent } from "holdfast";
import {
  type Adapter,
  type AnyOptions,
  type App,
  type AppOptions,
  type Handle,
  type Routes,
} from "../support/apps.js";
import { Client, RawConnection } from "../support/client.js";
import { watched, type WatchedStorage } from "../support/storages.js";
import { incidents } from "../support/incidents.js";

/** One thing that has to hold on every adapter. */
export interface Case {
  readonly name: string;
  run(world: World): Promise<void>;
}

/** A running application and what is around it. */
export interface Stage {
  readonly app: App;
  readonly storage: WatchedStorage;
  readonly events: readonly SessionEvent[];
  readonly client: Client;
  newClient(): Client;
  raw(): RawConnection;
}

/** Options of the session middleware, and of the application around it. */
export interface StageOptions extends Omit<AppOptions, "sessions"> {
  session?: AnyOptions;
  /** Several middlewares instead of one, each with the options of `session` under its own. */
  each?: readonly AnyOptions[];
}

/** What a case works with: it starts applications of one adapter, and ends them all. */
export class World {
  readonly adapter: Adapter;
  readonly #cleanups: (() => unknown)[] = [];

  constructor(adapter: Adapter) {
    this.adapter = adapter;
  }

  async stage(routes: Routes, { session = {}, each = [{}], ...options }: StageOptions = {}): Promise<Stage> {
    const storage = watched();
    const events: SessionEvent[] = [];
    const common: AnyOptions = { storage, onEvent: incidents((event) => void events.push(event)), ...session };
    const app = await this.adapter.start(
      { ...options, sessions: each.map((own) => ({ ...common, ...own })) },
      routes,
    );
    this.#cleanups.push(() => app.close());
    const newClient = (): Client => new Client(app.origin);
    return { app, storage, events, client: newClient(), newClient, raw: () => this.#raw(app.port) };
  }

  /** Ends everything that was started. */
  async end(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
  }

  #raw(port: number): RawConnection {
    const connection = new RawConnection(port);
    this.#cleanups.push(() => connection.close());
    return connection;
  }
}

/** Routes most cases begin with. */
export const basic: Routes = {
  "/put": (h) => {
    h.session.set("user", parameter(h, "user") ?? "ann");
    return h.answer({ body: "put" });
  },
  "/who": (h) => h.answer({ body: String(h.session.get("user")) }),
  "/plain": (h) => h.answer({ body: "plain" }),
};

/** A query parameter of a request. */
export function parameter(handle: Handle, name: string): string | undefined {
  return new URL(handle.url, "http://localhost").searchParams.get(name) ?? undefined;
}

/**
 * The code of the error that an act ends with; `TypeError` and other names where it has none; "none" where it
 * succeeds.
 */
export async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return "none";
  } catch (error) {
    const { code, name } = error as { code?: string; name: string };
    return code ?? name;
  }
}

/** The name of the session's cookie where nothing else is configured. */
export const COOKIE = "session_id";
