import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { find, freePort, HOST, Server, temporaryDirectory } from "./lib.mjs";
import { librariesIn, unpacked } from "./unpacked.mjs";

const ADVICE = "install MySQL 8 or newer, or name one in HOLDFAST_TEST_MYSQL_URL";

/** One MySQL, not MariaDB, with an empty database: `{ url, version, servers }`. */
export async function start() {
  const [command, ...own] = mysqld();
  const port = await freePort();
  const directory = temporaryDirectory("mysql");
  const first = join(directory, "first.sql");
  writeFileSync(first, "CREATE DATABASE IF NOT EXISTS holdfast;\n");
  const asRoot = process.getuid?.() === 0 ? ["--user=root"] : [];
  const data = [...own, ...asRoot, `--datadir=${join(directory, "data")}`];
  execFileSync(command, [...data, "--initialize-insecure"], { stdio: ["ignore", "ignore", "pipe"], cwd: directory });
  const quick = ["--innodb-flush-log-at-trx-commit=2", "--skip-log-bin", "--mysqlx=OFF"];
  const args = [
    ...data,
    `--init-file=${first}`,
    `--bind-address=${HOST}`,
    `--port=${port}`,
    `--socket=${join(directory, "socket")}`,
    `--pid-file=${join(directory, "pid")}`,
    ...quick,
  ];
  const server = await new Server({ name: "mysql", command, args, port, directory }).start();
  return { url: `mysql://root@${HOST}:${port}/holdfast`, version: versionOf(command, own), servers: [server] };
}

/** How it is called: the one that is installed, or that of Debian's unstable suite, with the C library it wants. */
function mysqld() {
  const own = ["--no-defaults", "--secure-file-priv="];
  const installed = find("mysqld");
  if (installed && !/MariaDB/.test(told(installed, []))) return [installed, ...own];
  const directory = unpacked("mysql", {
    suites: ["sid"],
    packages: ["mysql-server-core"],
    closed: true,
    advice: ADVICE,
  });
  const libraries = librariesIn(directory);
  const loader = readdirSync(libraries).find((name) => /^ld-linux-.*\.so\.\d$/.test(name));
  const program = [join(libraries, loader), "--library-path", libraries, join(directory, "usr", "sbin", "mysqld")];
  return [...program, ...own, `--basedir=${join(directory, "usr")}`];
}

function versionOf(command, args) {
  return /\d+\.\d+\.\d+/.exec(told(command, args))?.[0];
}

function told(command, args) {
  return execFileSync(command, [...args, "--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}
