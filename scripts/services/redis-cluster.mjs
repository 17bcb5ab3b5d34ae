import { execFileSync } from "node:child_process";
import { freePort, HOST, program, until } from "./lib.mjs";
import { redisServer, redisVersion } from "./redis-server.mjs";

const NODES = 6;
/** Nodes talk to each other at their port + 10000. */
const BUS_OFFSET = 10_000;

/** Three primaries, each with a replica. */
export async function start() {
  const command = program("redis-server", { apt: "redis-server" });
  const cli = program("redis-cli", { apt: "redis-tools" });
  const servers = [];
  for (let count = 0; count < NODES; count++) servers.push(await node(command).then((server) => server.start()));
  const says = (port, ...words) => execFileSync(cli, ["-h", HOST, "-p", `${port}`, ...words], { encoding: "utf8" });
  const addresses = servers.map(({ port }) => `${HOST}:${port}`);
  execFileSync(cli, ["--cluster", "create", ...addresses, "--cluster-replicas", "1", "--cluster-yes"], {
    stdio: "pipe",
  });
  await until(
    "the cluster is formed",
    () => servers.every(({ port }) => isFormed(says(port, "cluster", "info"), says(port, "cluster", "slots"))),
    { servers },
  );
  return { url: `redis-cluster://${addresses.join(",")}`, version: redisVersion(command), servers };
}

async function node(command) {
  const port = await freePort({ offset: BUS_OFFSET });
  return redisServer("redis-cluster", command, {
    port,
    args: [
      "--cluster-enabled",
      "yes",
      "--cluster-node-timeout",
      "2000",
      "--repl-diskless-sync-delay",
      "0",
      "--repl-ping-replica-period",
      "1",
    ],
  });
}

/** Answers clients who ask for it with every node; a replica is only named once it has its copy. */
function isFormed(state, slots) {
  return state.includes("cluster_state:ok") && slots.split("\n").filter((line) => line === HOST).length === NODES;
}
