/** How apt is called here: it waits while another package manager holds a lock, instead of failing. */

/** How long it waits, in seconds. */
const LOCK_S = 600;
const PAUSE_S = 2;

/** A call of `apt-get`; `options` are more of its `-o NAME=VALUE`. It waits for the lock of dpkg by itself. */
export function aptGet(options = {}) {
  const all = Object.entries({ "DPkg::Lock::Timeout": LOCK_S, ...options });
  return `apt-get -q ${all.map(([name, value]) => `-o '${name}=${value}'`).join(" ")}`;
}

/**
 * Shell commands that renew apt's lists. It does not wait for the lock of these: asked again while that is why it
 * fails.
 */
export function aptUpdate(options = {}) {
  return [
    "tries=0",
    `until told=$(LC_ALL=C ${aptGet(options)} update 2>&1)`,
    `do case $told in *"Could not get lock"*) tries=$((tries + 1)) ;; *) tries=${LOCK_S} ;; esac`,
    `if [ $tries -ge ${LOCK_S / PAUSE_S} ]; then echo "$told" >&2; exit 100; fi`,
    `sleep ${PAUSE_S}`,
    "done",
  ].join("\n");
}
