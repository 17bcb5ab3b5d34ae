import { execFileSync } from "node:child_process";
import { freePort, HOST, program, Server } from "./lib.mjs";

/** By default it has 64 MB, and removes items of one test to make room for another's. */
const MEGABYTES = 1024;

/** One Memcached. */
export async function start() {
  const command = program("memcached", { apt: "memcached" });
  const port = await freePort();
  const args = ["-p", `${port}`, "-l", HOST, "-U", "0", "-m", `${MEGABYTES}`];
  const isRoot = process.getuid?.() === 0;
  const server = await new Server({
    name: "memcached",
    command,
    args: isRoot ? [...args, "-u", "nobody"] : args,
    port,
  }).start();
  const version = /[\d.]+/.exec(execFileSync(command, ["-V"], { encoding: "utf8" }))?.[0];
  return { url: `memcached://${HOST}:${port}`, version, servers: [server] };
}
