import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { within } from "../../support/within.js";
import type { Running } from "./play.js";
import type { Setup } from "./server.js";

const PROGRAM = fileURLToPath(new URL("server.js", import.meta.url));

/** Nothing takes this long on the busiest machine: what does hangs, and is named. In ms. */
export const PATIENCE = 60_000;

interface Told {
  readonly port?: number;
  readonly number?: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A server in a process of its own, and how to tell it what to do. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  readonly #exited: Promise<void>;
  #port = 0;
  #number = 0;

  static async start(
    setup: Setup,
    { runtime = process.execPath, args = [], env = process.env }: Pick<Running, "runtime" | "args" | "env"> = {},
  ): Promise<ServerProcess> {
    const server = new ServerProcess(
      spawn(runtime, [...args, PROGRAM, JSON.stringify(setup)], { env, stdio: ["pipe", "pipe", "inherit"] }),
    );
    server.#port = (await within(PATIENCE, `the start of a server (${setup.family})`, server.#ask(0))) as number;
    return server;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    createInterface(child.stdout!).on("line", (line) => this.#hear(JSON.parse(line) as Told));
    this.#exited = new Promise((resolve) => child.once("exit", () => resolve()));
    child
      .once("error", (error) => this.#rejectAll(error))
      .once("exit", (code, signal) => this.#rejectAll(new Error(`the server ended (${signal ?? code})`)));
  }

  get origin(): string {
    return `http://localhost:${this.#port}`;
  }

  /** One of the commands of server.ts. */
  tell<T>(name: string, ...args: unknown[]): Promise<T> {
    const number = ++this.#number;
    const answer = this.#ask(number);
    this.#child.stdin!.write(`${JSON.stringify({ number, name, args })}\n`);
    return within(PATIENCE, `${name} ${JSON.stringify(args)}`, answer) as Promise<T>;
  }

  async stop(): Promise<void> {
    this.#child.stdin!.end();
    await within(PATIENCE, "the end of a server", this.#exited).catch((error: unknown) => {
      this.#child.kill("SIGKILL");
      throw error;
    });
  }

  #ask(number: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#asked.set(number, { resolve, reject }));
  }

  #hear({ port, number = 0, value = port, error }: Told): void {
    const asked = this.#asked.get(number);
    this.#asked.delete(number);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(error));
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}
