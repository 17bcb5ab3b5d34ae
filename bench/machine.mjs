/** What a figure depends on: the machine, and the versions of everything that was measured. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";

/** The machine. */
export function machine() {
  const [{ model }] = cpus();
  return {
    cpu: model.trim(),
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node,
    v8: process.versions.v8,
    load: loadavg().map((one) => Number(one.toFixed(2))),
  };
}

/** Versions of the packages that are installed for the benchmark, and of Holdfast itself. */
export function versions() {
  const manifest = (url) => JSON.parse(readFileSync(new URL(url, import.meta.url), "utf8"));
  const own = manifest("../package.json");
  return { holdfast: `${own.version}${commit()}`, ...manifest("package.json").dependencies };
}

function commit() {
  try {
    return (
      " " +
      `(${execFileSync("git", ["describe", "--always", "--dirty"], { cwd: new URL(".", import.meta.url), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()})`
    );
  } catch {
    return "";
  }
}
