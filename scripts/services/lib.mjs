/**
 * What the services share: programs, free ports, directories, and servers that end with the process that started
 * them.
 */
import { execFileSync, spawn } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { aptInstall, aptUpdate } from "../apt.mjs";
import { root } from "../setup.mjs";

export const HOST = "127.0.0.1";

/** Beside PATH: where Debian and Homebrew put servers. */
const DIRECTORIES = ["/usr/sbin", "/usr/local/sbin", "/sbin", "/opt/homebrew/bin"];

/**
 * A program: where it is, or what to install. `apt` names the package that has it, `within` more directories to look
 * in. Installs it as root in CI or a container; else, and where that fails, throws a `MissingProgram`.
 */
export function program(name, { apt, within = [] }) {
  const found = find(name, within);
  if (found) return found;
  const advice = `install it (Debian, Ubuntu: apt-get install ${apt})`;
  if (!mayInstall()) throw new MissingProgram(`there is no ${name}: ${advice}`);
  withApt(aptInstall([apt]), name);
  const installed = find(name, within);
  if (!installed) throw new MissingProgram(`there is no ${name} after apt installed ${apt}: ${advice}`);
  return installed;
}

/** A server that cannot be started, since the machine lacks it. */
export class MissingProgram extends Error {
  name = "MissingProgram";
}

/** The path of a program, if there is one. */
export function find(name, within = []) {
  const directories = [...within, ...(process.env.PATH ?? "").split(delimiter), ...DIRECTORIES];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Whether installing something disturbs nobody. */
export function mayInstall() {
  const isContainer = existsSync("/.dockerenv") || existsSync("/run/.containerenv");
  return process.getuid?.() === 0 && (Boolean(process.env.CI) || isContainer) && find("apt-get") !== undefined;
}

/**
 * Runs shell commands of apt, one process of this checkout at a time, after the lists are fresh; apt starts no
 * service.
 */
export function withApt(commands, what) {
  const cache = join(root, "node_modules", ".cache", "holdfast");
  mkdirSync(cache, { recursive: true });
  console.error(`Installing ${what} (apt-get) …`);
  const fresh = `find ${cache}/apt-updated -mmin -60 2>/dev/null | grep -q . || { ${aptUpdate()}
touch ${cache}/apt-updated; }`;
  const options = {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
  };
  try {
    execFileSync("flock", [join(cache, "apt.lock"), "sh", "-c", `set -e; ${fresh}\n${commands}`], options);
  } catch (error) {
    throw new MissingProgram(
      `${what} could not be installed: ${String(error.stderr ?? error)
        .trim()
        .split("\n")
        .at(-1)}`,
    );
  }
}

/**
 * From here on the system hands out ports to whoever connects somewhere: a server that comes (back) later would find
 * its own taken.
 */
const FIRST_PORT_OF_CLIENTS = 32_768;
const FIRST_PORT = 10_000;

/** A port of the loopback interface that nobody listens on; neither on `port + offset`. */
export async function freePort({ offset = 0 } = {}) {
  for (let tries = 0; tries < 200; tries++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (FIRST_PORT_OF_CLIENTS - FIRST_PORT - offset));
    if ((await isFree(port)) && (offset === 0 || (await isFree(port + offset)))) return port;
  }
  throw new Error("no free port");
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}

const temporary = new Set();
/** A server that is about to end may still write. */
const remove = (directory) => rmSync(directory, { recursive: true, force: true, maxRetries: 10 });

/** Writes a key and a certificate for every name under `.test`, for two days; returns their paths. */
export function certificateIn(directory) {
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(directory, name));
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync(
    program("openssl", { apt: "openssl" }),
    ["req", ...kind, "-subj", "/CN=holdfast.test", "-keyout", key, "-out", cert],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  return [key, cert];
}

/**
 * A new directory, removed at the latest when this process exits by itself. A server that is given it removes it in
 * every case.
 */
export function temporaryDirectory(name) {
  const directory = mkdtempSync(join(tmpdir(), `holdfast-${name}-`));
  if (temporary.size === 0) process.once("exit", () => temporary.forEach(remove));
  temporary.add(directory);
  return directory;
}

/** Whether a port accepts connections. */
export function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Asks until the answer is true; throws after a while, or once a server it waits for has ended. */
export async function until(what, isReady, { servers = [], ms = 30_000 } = {}) {
  const end = Date.now() + ms;
  while (!(await isReady())) {
    const ended = servers.find((server) => !server.isRunning);
    if (ended) throw new Error(`${what}: the server ended\n${ended.output}`);
    if (Date.now() > end)
      throw new Error(`${what}: not within ${ms / 1000} s\n${servers.map(({ output }) => output).join("\n")}`);
    await sleep(20);
  }
}

/**
 * Started before the server, which takes its place (`exec`, so both have one process id): waits until the pipe
 * closes, which happens whatever ends the parent, then ends the server and removes its directory. A line on the pipe
 * calls it off.
 */
const GUARD =
  '( if ! read -r _ <&3; then kill -9 $$; [ -z "$0" ] || rm -rf "$0"; fi ) >/dev/null 2>&1 & exec "$@" 3<&-';

/** A server process of ours, at one address; it can be ended and started again on the same data. */
export class Server {
  #options;
  #child;
  /**
   * Once it has ended, and with it those of its own processes that write where it did: a backend of PostgreSQL
   * outlives it for a moment.
   */
  #ended;
  /** The last of what it printed. */
  output = "";

  /**
   * `ready` is asked until it answers true (default: the port accepts connections); `uid` and `gid` run it as
   * somebody else.
   */
  constructor({ name, command, args, port, directory = "", ready = () => accepts(port), env = {}, uid, gid }) {
    this.#options = { name, command, args, port, directory, ready, env, ...(uid === undefined ? {} : { uid, gid }) };
  }

  get port() {
    return this.#options.port;
  }

  get pid() {
    return this.#child?.pid;
  }

  get isRunning() {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it, and answers when it is ready. */
  async start() {
    const { name, command, args, directory, env, uid, gid, ready } = this.#options;
    const options = {
      detached: true,
      cwd: directory || tmpdir(),
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    };
    const child = spawn(
      "sh",
      ["-c", GUARD, directory, command, ...args],
      uid === undefined ? options : { ...options, uid, gid },
    );
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("close", resolve));
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (this.output = (this.output + text).slice(-20_000)));
    child.on("error", (error) => (this.output += error.message));
    child.stdio[3].on("error", () => {});
    child.once("exit", () => child.stdio[3].end("ended\n"));
    for (const handle of [child, ...child.stdio.slice(1)]) handle.unref();
    await until(`${name} on port ${this.port}`, ready, { servers: [this] });
    return this;
  }

  /** Ends it in good order and removes its data. */
  async stop() {
    await this.#end("SIGTERM");
    if (this.#options.directory) remove(this.#options.directory);
  }

  /** Ends it as a failure would; `start` begins anew on the same data. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** Makes it stand still: connections stay, nothing is answered. */
  freeze() {
    this.#child.kill("SIGSTOP");
  }

  /** Lets it go on. */
  thaw() {
    this.#child.kill("SIGCONT");
  }

  async #end(signal) {
    if (!this.#child) return;
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 8000);
    this.#child.kill(signal);
    if (signal !== "SIGKILL") this.thaw();
    await this.#ended;
    clearTimeout(timer);
  }
}
