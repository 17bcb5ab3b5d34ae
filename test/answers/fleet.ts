import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Observation } from "./cell.js";
import type { Task } from "./child.js";

/** A cell takes much less: this is for a process that does not turn any more. */
const WATCHDOG_MS = 120_000;
const CHILD = fileURLToPath(new URL("child.js", import.meta.url));

type Cell = Omit<Task, "id">;
type Message = { id: number; observation?: Observation; error?: string; unclear?: string[] };

/** What a process said of a cell, or how it ended in its midst. */
interface Said {
  readonly message?: Message;
  readonly end?: string;
  /** Other cells ran at the same time. */
  readonly isShared: boolean;
}

/**
 * Processes that run cells: one runs many side by side; a cell that may have ended it, or met what no cell can be
 * said to have caused, runs again alone.
 */
export class Fleet {
  readonly #shared = new Runner();
  readonly #alone = new Runner();
  #queue: Promise<unknown> = Promise.resolve();

  async observe(cell: Cell): Promise<Observation> {
    const said = await this.#shared.run(cell);
    if (!said.isShared || (said.message && !said.message.unclear?.length)) return observed(said);
    const again = this.#queue.then(() => this.#alone.run(cell));
    this.#queue = again;
    return observed(await again);
  }

  end(): void {
    this.#shared.end();
    this.#alone.end();
  }
}

function observed({ message, end }: Said): Observation {
  if (message?.observation)
    return { ...message.observation, crashes: [...message.observation.crashes, ...(message.unclear ?? [])] };
  return {
    transcript: { answers: [], rest: "", end: "closed" },
    notes: {},
    crashes: [message?.error === undefined ? `the process ended ${end}` : `the row itself fails: ${message.error}`],
    saves: 0,
    writes: 0,
    events: [],
  };
}

class Runner {
  #child: ChildProcess | undefined;
  #id = 0;
  #running = 0;
  /** How often a cell began beside others. */
  #begun = 0;

  run(cell: Cell): Promise<Said> {
    const child = (this.#child ??= start());
    const id = ++this.#id;
    const begunBefore = this.#begun++;
    const isAlone = this.#running++ === 0;
    return new Promise((resolve) => {
      const finish = (said: Omit<Said, "isShared">): void => {
        clearTimeout(timer);
        child.off("message", received).off("exit", ended);
        this.#running--;
        if (said.end !== undefined && this.#child === child) this.end();
        resolve({ ...said, isShared: !isAlone || this.#begun > begunBefore + 1 });
      };
      const received = (message: Message): void => {
        if (message.id === id) finish({ message });
      };
      const ended = (code: number | null, signal: string | null): void => finish({ end: `with ${signal ?? code}` });
      const timer = setTimeout(() => finish({ end: "after it stood still" }), WATCHDOG_MS);
      child.setMaxListeners(0).on("message", received).on("exit", ended);
      child.send({ id, ...cell });
    });
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}

function start(): ChildProcess {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return fork(CHILD, {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    env: { ...env, NODE_ENV: "production" },
    execArgv: [],
  });
}
