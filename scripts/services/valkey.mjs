import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aptGet, aptUpdate } from "../apt.mjs";
import { root } from "../setup.mjs";
import { find, mayInstall, MissingProgram, program, withApt } from "./lib.mjs";
import { startRedis } from "./redis-server.mjs";

/** Debian 12 has Valkey in its backports only: unpacked beside the system, which stays as it is. */
const BACKPORTS = "bookworm";
const PACKAGES = ["valkey-server", "valkey-tools", "libjemalloc2", "liblzf1", "libatomic1"];
const home = join(root, "node_modules", ".cache", "holdfast", "valkey");

/** One Valkey. */
export async function start() {
  const unpacked = join(home, "root", "usr", "bin", "valkey-server");
  const installed =
    find("valkey-server") ??
    (release() === BACKPORTS ? undefined : program("valkey-server", { apt: "valkey-server" }));
  if (installed) return startRedis("valkey", installed);
  if (!existsSync(unpacked)) unpack();
  return startRedis("valkey", unpacked, { LD_LIBRARY_PATH: libraries() });
}

function release() {
  return existsSync("/etc/os-release")
    ? /^VERSION_CODENAME=(\w+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1]
    : undefined;
}

function libraries() {
  return ["x86_64", "aarch64"].map((cpu) => join(home, "root", "usr", "lib", `${cpu}-linux-gnu`)).find(existsSync);
}

function unpack() {
  if (!mayInstall())
    throw new MissingProgram(
      `there is no valkey-server: install it (Debian 12: apt-get install -t ${BACKPORTS}-backports valkey-server)`,
    );
  for (const name of ["lists/partial", "cache/archives/partial", "debs"])
    mkdirSync(join(home, name), { recursive: true });
  const sources = [BACKPORTS, `${BACKPORTS}-backports`]
    .map((suite) => `deb http://deb.debian.org/debian ${suite} main\n`)
    .join("");
  writeFileSync(join(home, "sources.list"), sources);
  const places = {
    "Dir::Etc::SourceList": `${home}/sources.list`,
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State::Lists": `${home}/lists`,
    "Dir::Cache": `${home}/cache`,
    "APT::Sandbox::User": "root",
  };
  const steps = [
    `cd '${home}/debs'`,
    `{ ${aptUpdate(places)}\n}`,
    `${aptGet(places)} download ${PACKAGES.join(" ")}`,
    'for one in *.deb; do dpkg -x "$one" ../unpacked; done',
    "mv ../unpacked ../root",
  ];
  withApt(`[ -d '${home}/root' ] || { ${steps.join(" && ")}; }`, "valkey-server");
}
