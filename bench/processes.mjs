/** The processes of a measurement: servers and the load. They end with the one that starts them. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

const fileOf = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A process that answers messages; what it prints on stderr is shown. */
export class Process {
  #child;
  #waiting = [];
  #ended;

  constructor(file, args, execArgv = []) {
    this.#child = fork(fileOf(file), args, {
      execArgv,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: { ...process.env, NODE_ENV: "production" },
    });
    this.#child.on("message", (message) => this.#waiting.shift()?.resolve(message));
    this.#ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.once("exit", (code, signal) => {
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error(`${file} ${args.join(" ")} ended: ${signal ?? code}`));
    });
  }

  /** Its next message; `message` is sent first, where there is one. */
  ask(message) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#child.exitCode !== null) return reject(new Error("the process has ended"));
      if (message !== undefined) this.#child.send(message);
    });
  }

  /** Asks it to end, and waits for that. */
  async stop() {
    if (this.#child.connected) this.#child.send("stop", () => this.#child.connected && this.#child.disconnect());
    await this.#ended;
  }
}

/** A server of one contender. */
export class Server {
  #process;
  port;

  /** `what`: `{ framework, contender, variant, storage, redis }`. */
  static async start(what, execArgv) {
    const server = new Server(new Process("server.mjs", [JSON.stringify(what)], execArgv));
    server.port = (await server.#process.ask()).port;
    return server;
  }

  constructor(process) {
    this.#process = process;
  }

  /** CPU time used so far, in µs, of all its threads. */
  async cpu() {
    const { cpu } = await this.#process.ask("mark");
    return cpu.user + cpu.system;
  }

  /**
   * What `work` answers, and the garbage that was collected meanwhile: `{ garbage: { minor, major } }` of `{ count,
   * ms }`.
   */
  garbage(work) {
    return this.#during("watch", work, "watched");
  }

  /** What `work` answers, and a sampled profile of what was allocated meanwhile: `{ profile }`. */
  allocations(work) {
    return this.#during("sample", work, "sampled");
  }

  stop() {
    return this.#process.stop();
  }

  async #during(begin, work, end) {
    await this.#process.ask(begin);
    const seen = await work();
    return { ...seen, ...(await this.#process.ask(end)) };
  }
}

/** The process that asks. */
export class Load {
  #process = new Process("load.mjs", []);

  /** Connects to a server and seeds a session for each connection. */
  open(port, connections, holds) {
    return this.#ask({ open: true, port, connections, holds });
  }

  /** Asks for a while, or so many times; answers `{ requests, perSecond, p50, p99 }`. */
  run(port, kind, { ms, count } = {}) {
    return this.#ask({ port, kind, ms, count });
  }

  stop() {
    return this.#process.stop();
  }

  async #ask(message) {
    const { result, error } = await this.#process.ask(message);
    if (error) throw new Error(error);
    return result;
  }
}

/** A TCP proxy that delays what passes, in a process of its own. */
export class Delay {
  #process;
  port;

  static async before(target, ms) {
    const delay = new Delay(new Process("delay.mjs", [String(target), String(ms)]));
    delay.port = (await delay.#process.ask()).port;
    return delay;
  }

  constructor(process) {
    this.#process = process;
  }

  stop() {
    return this.#process.stop();
  }
}
