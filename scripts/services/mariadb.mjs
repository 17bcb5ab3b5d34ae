import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, HOST, program, Server, temporaryDirectory } from "./lib.mjs";

/** One MariaDB with an empty database: `{ url, version, servers }`. */
export async function start() {
  const server = await (await mariadbServer()).start();
  return { url: `mysql://root@${HOST}:${server.port}/holdfast`, version: versionOf(mariadbd()), servers: [server] };
}

/** A server, not yet started; `args` are more of its options. */
export async function mariadbServer({ args = [] } = {}) {
  const command = mariadbd();
  const port = await freePort();
  const directory = temporaryDirectory("mariadb");
  const data = join(directory, "data");
  // Its temporary tables are called alike in every server: two that are made at once would remove each other's.
  const env = { ...process.env, TMPDIR: directory };
  const asRoot = process.getuid?.() === 0 ? ["--user=root"] : [];
  execFileSync(
    program("mariadb-install-db", { apt: "mariadb-server" }),
    ["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db", ...asRoot],
    { stdio: ["ignore", "ignore", "pipe"], env },
  );
  const first = join(directory, "first.sql");
  writeFileSync(first, "CREATE DATABASE IF NOT EXISTS holdfast;\n");
  const own = [
    "--no-defaults",
    `--datadir=${data}`,
    `--init-file=${first}`,
    `--bind-address=${HOST}`,
    `--port=${port}`,
    `--socket=${join(directory, "socket")}`,
  ];
  const quick = ["--innodb-flush-log-at-trx-commit=2", "--skip-log-bin", "--skip-name-resolve"];
  return new Server({
    name: "mariadb",
    command,
    args: [...own, `--pid-file=${join(directory, "pid")}`, ...quick, ...asRoot, ...args],
    port,
    directory,
    env: { TMPDIR: directory },
  });
}

function mariadbd() {
  return program("mariadbd", { apt: "mariadb-server" });
}

function versionOf(command) {
  return /\d+\.\d+\.\d+/.exec(execFileSync(command, ["--version"], { encoding: "utf8" }))?.[0];
}
