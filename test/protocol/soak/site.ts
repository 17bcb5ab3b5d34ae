/** What a soak runs on: server processes and their database, which can be killed and started again. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { Agent } from "node:http";
import type { Database } from "./databases.js";
import { offsets } from "./plan.js";
import type { ServerConfig } from "./server.js";

export const ADAPTERS: readonly ServerConfig["adapter"][] = ["node", "express", "fastify", "hono"];

/** A server process at an address of its own. */
export class ServerProcess {
  readonly config: ServerConfig;
  /** Where it listens; undefined while it is down. */
  port: number | undefined;
  agent: Agent | undefined;
  /** What went wrong with the process itself: it may end only when it is told to. */
  readonly failures: string[] = [];
  #child: ChildProcess | undefined;
  #errors = "";

  constructor(config: ServerConfig) {
    this.config = config;
  }

  async start(): Promise<void> {
    const child = fork(new URL("./server.js", import.meta.url), [JSON.stringify(this.config)], {
      execArgv: [],
      env: { ...process.env, NODE_ENV: "test" },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child = child;
    child
      .stderr!.setEncoding("utf8")
      .on("data", (text: string) => (this.#errors = (this.#errors + text).slice(-4000)));
    child.once("exit", (code, signal) => {
      if (this.#child === child)
        this.failures.push(
          `server ${this.config.nth} (${this.config.adapter}) ended by itself: ${code ?? signal}\n${this.#errors}`,
        );
    });
    const ended = once(child, "exit").then(() => undefined);
    const [message] = ((await Promise.race([once(child, "message"), ended])) ?? []) as [{ port: number }?];
    if (this.#child !== child) return;
    if (!message) throw new Error(this.failures.at(-1));
    this.agent = new Agent({ keepAlive: true });
    this.port = message.port;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = this.port = undefined;
    this.agent?.destroy();
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
}

export interface SiteOptions {
  readonly database: Database;
  readonly servers: number;
  readonly seed: number;
  readonly sabotage?: string | undefined;
}

/** All of it. `close` ends whatever was started, also half way through a start. */
export class Site {
  readonly servers: readonly ServerProcess[];
  readonly database: Database;
  readonly kills = { servers: 0, database: 0 };
  /** What each kill waits for: the one before on the same target. */
  readonly #turns = new Map<ServerProcess | Database, Promise<void>>();
  #isClosed = false;

  constructor({ database, servers, seed, sabotage }: SiteOptions) {
    this.database = database;
    const off = offsets(seed, servers);
    this.servers = off.map(
      (offset, nth) =>
        new ServerProcess({
          nth,
          adapter: ADAPTERS[nth % ADAPTERS.length]!,
          address: database.address,
          offset,
          sabotage,
        }),
    );
  }

  async start(): Promise<void> {
    await this.database.start();
    if (this.#isClosed) return;
    await Promise.all(this.servers.map((server) => server.start()));
  }

  /** Kills one, and starts it again a while later. */
  async strike(target: number | "database", down: number): Promise<void> {
    const victim = target === "database" ? this.database : this.servers[target]!;
    const turn = (this.#turns.get(victim) ?? Promise.resolve()).then(() => this.#strike(victim, down));
    this.#turns.set(victim, turn);
    await turn;
  }

  get failures(): readonly string[] {
    return this.servers.flatMap(({ failures }) => failures);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.servers.map((server) => server.kill()));
    await Promise.allSettled(this.#turns.values());
    await Promise.all(this.servers.map((server) => server.kill()));
    await this.database.stop();
  }

  async #strike(victim: ServerProcess | Database, down: number): Promise<void> {
    if (this.#isClosed) return;
    await victim.kill?.();
    this.kills[victim === this.database ? "database" : "servers"] += 1;
    await new Promise((resolve) => setTimeout(resolve, down));
    if (!this.#isClosed) await victim.start();
  }
}
