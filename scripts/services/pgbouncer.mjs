import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, HOST, program, Server } from "./lib.mjs";
import { directoryOf, greets, postgresServer, serviceUser } from "./postgres.mjs";

/** PgBouncer in transaction mode before a PostgreSQL of its own: `{ url, version, servers }`, the bouncer first. */
export async function start() {
  const command = program("pgbouncer", { apt: "pgbouncer" });
  const database = await (await postgresServer()).start();
  const user = serviceUser();
  const directory = directoryOf("pgbouncer", user);
  const port = await freePort();
  const config = join(directory, "pgbouncer.ini");
  writeFileSync(config, configuration(port, database.port));
  const bouncer = await new Server({
    name: "pgbouncer",
    command,
    args: ["-q", config],
    port,
    directory,
    ready: () => greets(port),
    ...user,
  }).start();
  return {
    url: `postgres://postgres@${HOST}:${port}/postgres`,
    version: versionOf(command),
    servers: [bouncer, database],
  };
}

/**
 * Few connections to the server for many clients: what one statement leaves in a connection, another client finds.
 */
function configuration(port, databasePort) {
  return [
    "[databases]",
    `postgres = host=${HOST} port=${databasePort} dbname=postgres user=postgres`,
    "[pgbouncer]",
    `listen_addr = ${HOST}`,
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    "default_pool_size = 3",
    "",
  ].join("\n");
}

function versionOf(command) {
  return /\d+\.\d+\.\d+/.exec(execFileSync(command, ["--version"], { encoding: "utf8" }))?.[0];
}
