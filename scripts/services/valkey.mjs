import { join } from "node:path";
import { find, program } from "./lib.mjs";
import { startRedis } from "./redis-server.mjs";
import { librariesIn, release, unpacked } from "./unpacked.mjs";

/** Debian 12 has Valkey in its backports only. */
const BACKPORTS = "bookworm";
const PACKAGES = ["valkey-server", "valkey-tools", "libjemalloc2", "liblzf1", "libatomic1"];

/** One Valkey. */
export async function start() {
  const installed =
    find("valkey-server") ??
    (release() === BACKPORTS ? undefined : program("valkey-server", { apt: "valkey-server" }));
  if (installed) return startRedis("valkey", installed);
  const directory = unpacked("valkey", {
    suites: [BACKPORTS, `${BACKPORTS}-backports`],
    packages: PACKAGES,
    advice: `install it (Debian 12: apt-get install -t ${BACKPORTS}-backports valkey-server)`,
  });
  const LD_LIBRARY_PATH = librariesIn(directory);
  return startRedis("valkey", join(directory, "usr", "bin", "valkey-server"), { LD_LIBRARY_PATH });
}
