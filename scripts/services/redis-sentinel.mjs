import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, HOST, program, Server, temporaryDirectory, until } from "./lib.mjs";
import { redisServer, redisVersion } from "./redis-server.mjs";

/** What the sentinels call the primary. */
const PRIMARY = "holdfast";

/**
 * A primary with one replica, watched by three sentinels. `servers` names the primary first, then the replica, then
 * the sentinels.
 */
export async function start() {
  const command = program("redis-server", { apt: "redis-server" });
  const cli = program("redis-cli", { apt: "redis-tools" });
  const primary = await redisServer("redis-primary", command, { args: ["--repl-diskless-sync-delay", "0"] });
  const replica = await redisServer("redis-replica", command, {
    args: ["--repl-diskless-sync-delay", "0", "--replicaof", HOST, `${primary.port}`],
  });
  await primary.start();
  await replica.start();
  const says = (port, ...words) => execFileSync(cli, ["-h", HOST, "-p", `${port}`, ...words], { encoding: "utf8" });
  await until("the replica follows", () => says(primary.port, "info", "replication").includes("state=online"), {
    servers: [primary, replica],
  });
  const sentinels = [];
  for (let count = 0; count < 3; count++) sentinels.push(await (await sentinel(command, primary.port)).start());
  await until(
    "the sentinels know each other",
    () => sentinels.every(({ port }) => knowsAll(says(port, "sentinel", "master", PRIMARY))),
    { servers: sentinels },
  );
  const url = `redis-sentinel://${sentinels.map(({ port }) => `${HOST}:${port}`).join(",")}/${PRIMARY}`;
  return { url, version: redisVersion(command), servers: [primary, replica, ...sentinels] };
}

/** Sentinels rewrite the file they are started with. */
async function sentinel(command, primaryPort) {
  const port = await freePort();
  const directory = temporaryDirectory("redis-sentinel");
  const file = join(directory, "sentinel.conf");
  const rules = [
    `monitor ${PRIMARY} ${HOST} ${primaryPort} 2`,
    `down-after-milliseconds ${PRIMARY} 800`,
    `failover-timeout ${PRIMARY} 3000`,
  ];
  writeFileSync(
    file,
    [`port ${port}`, `bind ${HOST}`, `dir ${directory}`, ...rules.map((rule) => `sentinel ${rule}`), ""].join("\n"),
  );
  return new Server({ name: "redis-sentinel", command, args: [file, "--sentinel"], port, directory });
}

function knowsAll(status) {
  const words = status.split(/\s+/);
  const value = (name) => words[words.indexOf(name) + 1];
  return value("num-slaves") === "1" && value("num-other-sentinels") === "2";
}
