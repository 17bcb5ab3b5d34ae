import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Observation } from "./cell.js";
import type { Task } from "./child.js";

/** A cell takes much less: this is for a process that does not turn any more. */
const WATCHDOG_MS = 60_000;
const CHILD = fileURLToPath(new URL("child.js", import.meta.url));

/** A process that runs cells. One that ended is replaced, and what ended it is observed as such. */
export class Runner {
  #child: ChildProcess | undefined;
  #id = 0;

  async observe(cell: Omit<Task, "id">): Promise<Observation> {
    const child = (this.#child ??= start());
    const id = ++this.#id;
    const answer = await new Promise<{ observation?: Observation; error?: string; end?: string }>((resolve) => {
      const finish = (one: { id?: number; observation?: Observation; error?: string; end?: string }): void => {
        if (one.id !== undefined && one.id !== id) return;
        clearTimeout(timer);
        child.off("message", finish).off("exit", ended);
        resolve(one);
      };
      const ended = (code: number | null, signal: string | null): void => finish({ end: `with ${signal ?? code}` });
      const timer = setTimeout(() => finish({ end: "after it stood still" }), WATCHDOG_MS);
      child.on("message", finish).on("exit", ended);
      child.send({ id, ...cell });
    });
    if (answer.error !== undefined) throw new Error(`${cell.framework} › ${cell.row} › ${cell.column}/${cell.storage}: ${answer.error}`);
    if (answer.observation) return answer.observation;
    this.end();
    return { transcript: { answers: [], rest: "", end: "closed" }, notes: {}, crashes: [`the process ended ${answer.end}`], saves: 0, events: [] };
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}

function start(): ChildProcess {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return fork(CHILD, { stdio: ["ignore", "ignore", "ignore", "ipc"], env: { ...env, NODE_ENV: "production" }, execArgv: [] });
}
