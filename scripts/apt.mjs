/** How apt is called here: it waits while another package manager holds a lock, instead of failing. */

import { execFileSync } from "node:child_process";

/** How long it waits, in seconds. */
const LOCK_S = 600;
const PAUSE_S = 2;

/** A call of `apt-get`; `options` are more of its `-o NAME=VALUE`. It waits for the lock of dpkg by itself. */
export function aptGet(options = {}) {
  const all = Object.entries({ "DPkg::Lock::Timeout": LOCK_S, ...options });
  return `apt-get -q ${all.map(([name, value]) => `-o '${name}=${value}'`).join(" ")}`;
}

/** Shell commands that renew apt's lists. */
export function aptUpdate(options) {
  return untilUnlocked(`${aptGet(options)} update`);
}

/** Shell commands that install packages; `options` are those of `aptGet`, `more` are arguments. */
export function aptInstall(packages, options, more = []) {
  return untilUnlocked([aptGet(options), "install", "-y", "--no-install-recommends", ...more, ...packages].join(" "));
}

/**
 * Shell commands that carry out a command of apt. It waits for dpkg's lock alone, not for those of its lists and of
 * what it downloads: asked again while that is why it fails.
 */
export function untilUnlocked(command) {
  return [
    "tries=0",
    `until told=$(LC_ALL=C ${command} 2>&1)`,
    `do case $told in *"Could not get lock"*) tries=$((tries + 1)) ;; *) tries=${LOCK_S} ;; esac`,
    `if [ $tries -ge ${LOCK_S / PAUSE_S} ]; then echo "$told" >&2; exit 100; fi`,
    `sleep ${PAUSE_S}`,
    "done",
  ].join("\n");
}

/**
 * Where this machine takes a suite of Debian from: the address of another of its suites. Its own sources say so, for
 * a mirror too. Undefined where they name none.
 */
export function mirrorOf(suite, options) {
  const told = execFileSync("sh", ["-c", `${aptGet(options)} update --print-uris`], { encoding: "utf8" });
  return told.split("\n").flatMap((line) => {
    const [, address, found] = /^'(\S+?)\/dists\/([^/\s]+)\/InRelease'/.exec(line) ?? [];
    return found === suite ? [address] : [];
  })[0];
}
