import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, HOST, program, Server } from "./lib.mjs";
import { directoryOf, serviceUser } from "./postgres.mjs";

/**
 * An nginx that keeps all it may, and more: what says nothing of caches it keeps for an hour, a Set-Cookie holds it
 * back no more than RFC 9111 does. It passes a request for the host `PORT.anything` on to that port of this machine,
 * and says in `X-Cache` what it did.
 */
export async function start() {
  const command = program("nginx", { apt: "nginx" });
  const user = serviceUser();
  const directory = directoryOf("nginx", user);
  const port = await freePort();
  const config = join(directory, "nginx.conf");
  writeFileSync(config, configuration(directory, port));
  const server = await new Server({
    name: "nginx",
    command,
    args: ["-e", "stderr", "-p", directory, "-c", config],
    port,
    directory,
    ...user,
  }).start();
  return { url: `http://${HOST}:${port}`, version: versionOf(command), servers: [server] };
}

/** One process, so that nothing is left where it is killed. */
function configuration(directory, port) {
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
      proxy_cache_path ${directory}/cache keys_zone=pages:1m use_temp_path=off;
      server {
        listen ${HOST}:${port};
        server_name ~^(?<upstream>\\d+)\\.;
        location / {
          proxy_pass http://${HOST}:$upstream$request_uri;
          proxy_set_header Host $host;
          proxy_http_version 1.1;
          proxy_set_header Connection "";
          proxy_cache pages;
          proxy_cache_key $host$request_uri;
          proxy_cache_valid 200 203 204 206 300 301 302 303 307 308 404 405 410 414 501 1h;
          proxy_cache_lock on;
          proxy_cache_revalidate on;
          proxy_cache_use_stale error timeout updating http_503;
          proxy_ignore_headers Set-Cookie;
          add_header X-Cache $upstream_cache_status always;
        }
      }
    }
  `;
}

/** It is printed as an error. */
function versionOf(command) {
  return /\d+\.\d+\.\d+/.exec(spawnSync(command, ["-v"], { encoding: "utf8" }).stderr)?.[0];
}
