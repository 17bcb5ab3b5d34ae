/** What every nginx here has: one process with all its files in one directory, which is gone when it ends. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, HOST, program, Server } from "./lib.mjs";
import { directoryOf, serviceUser } from "./postgres.mjs";

/**
 * Starts one. `http` is given its directory, port and user, and returns the lines of the configuration within
 * `http { … }`; `scheme` is what it is asked with.
 */
export async function startNginx(name, { scheme, http }) {
  const command = program("nginx", { apt: "nginx" });
  const user = serviceUser();
  const directory = directoryOf(name, user);
  const port = await freePort();
  const config = join(directory, "nginx.conf");
  writeFileSync(config, configuration(directory, http(directory, port, user)));
  const server = await new Server({
    name: "nginx",
    command,
    args: ["-e", "stderr", "-p", directory, "-c", config],
    port,
    directory,
    ...user,
  }).start();
  return { url: `${scheme}://${HOST}:${port}`, version: versionOf(command), servers: [server] };
}

/** One process, so that nothing is left where it is killed. */
function configuration(directory, http) {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${directory}/${kind};`,
  );
  return `
    daemon off;
    master_process off;
    pid ${directory}/pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      ${temporary.join(" ")}
      ${http}
    }
  `;
}

/** It is printed as an error. */
function versionOf(command) {
  return /\d+\.\d+\.\d+/.exec(spawnSync(command, ["-v"], { encoding: "utf8" }).stderr)?.[0];
}
