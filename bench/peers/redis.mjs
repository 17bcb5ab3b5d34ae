import { createClient } from "redis";

/** Longer than any probe. */
const PAUSE_MS = "600000";

/**
 * The Redis at an address, which belongs to the probes: it is made to refuse and to hold the commands of the
 * application.
 */
export async function openRedis(url) {
  const password = "probe";
  const first = await connected({ url });
  await first.sendCommand(["ACL", "SETUSER", "probe", "on", `>${password}`, "~*", "&*", "+@all"]);
  first.destroy();
  const probe = await connected({ url, username: "probe", password });
  const rights = (...rules) => probe.sendCommand(["ACL", "SETUSER", "default", ...rules]);
  return {
    version: /redis_version:(\S+)/.exec(await probe.info("server"))[1],
    /** A client of the application's. */
    connect: () => connected({ url }),
    /** Refuses commands of a category to the application. */
    refuse: (category) => rights(`-@${category}`),
    /** Refuses nothing any more. */
    permit: () => rights("+@all"),
    /** Writes wait, reads do not. */
    holdWrites: () => probe.sendCommand(["CLIENT", "PAUSE", PAUSE_MS, "WRITE"]),
    letWritesGo: () => probe.sendCommand(["CLIENT", "UNPAUSE"]),
    /** Whether a command of the application waits. */
    holdsOne: async () => / flags=\w*b\w* /.test(await probe.sendCommand(["CLIENT", "LIST"])),
    count: () => probe.dbSize(),
    empty: () => probe.flushAll(),
    close: () => probe.destroy(),
  };
}

async function connected(options) {
  return createClient(options)
    .on("error", () => {})
    .connect();
}
