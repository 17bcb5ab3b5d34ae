/** Programs of Debian that this system has no package of: unpacked beside it, which stays as it is. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aptGet, aptInstall, aptUpdate, mirrorOf, untilUnlocked } from "../apt.mjs";
import { root } from "../setup.mjs";
import { mayInstall, MissingProgram, withApt } from "./lib.mjs";

/** For which of Debian's libraries there are programs. */
const CPUS = ["x86_64", "aarch64"];

/**
 * The directory that has the files of some packages, as in the root of a system; made where it is missing.
 * `suites` are those of Debian they are taken from; `closed` takes all that they need as well, down to the C library.
 */
export function unpacked(name, { suites, packages, closed = false, advice }) {
  const home = join(root, "node_modules", ".cache", "holdfast", name);
  if (existsSync(join(home, "root"))) return join(home, "root");
  if (!mayInstall()) throw new MissingProgram(`there is no ${name}: ${advice}`);
  for (const one of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(home, one), { recursive: true });
  const mirror = mirrorOf(release());
  if (!mirror)
    throw new MissingProgram(`apt's sources name no ${release()}, which ${name} would be taken from: ${advice}`);
  const sources = suites.map((suite) => `deb ${mirror} ${suite} main\n`);
  writeFileSync(join(home, "sources.list"), sources.join(""));
  writeFileSync(join(home, "nothing-installed"), "");
  const places = {
    "Dir::Etc::SourceList": `${home}/sources.list`,
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State::Lists": `${home}/lists`,
    "Dir::Cache": `${home}/cache`,
    "APT::Sandbox::User": "root",
  };
  const whole = { ...places, "Dir::State::status": `${home}/nothing-installed`, "Debug::NoLocking": "1" };
  const steps = [
    `rm -rf '${home}/unpacked'`,
    `cd '${home}/cache/archives'`,
    `{ ${aptUpdate(places)}\n}`,
    closed
      ? `{ ${aptInstall(packages, whole, ["--download-only"])}\n}`
      : `{ ${untilUnlocked(`${aptGet(places)} download ${packages.join(" ")}`)}\n}`,
    `for one in *.deb; do dpkg -x "$one" '${home}/unpacked'; done`,
    "rm -f *.deb",
    `mv '${home}/unpacked' '${home}/root'`,
  ];
  withApt(`[ -d '${home}/root' ] || { ${steps.join(" && ")}; }`, name);
  return join(home, "root");
}

/** The name of this system's release, as Debian's suites have it. */
export function release() {
  return existsSync("/etc/os-release")
    ? /^VERSION_CODENAME=(\w+)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1]
    : undefined;
}

/** Where such a directory has the libraries. */
export function librariesIn(directory) {
  return CPUS.map((cpu) => join(directory, "usr", "lib", `${cpu}-linux-gnu`)).find(existsSync);
}
