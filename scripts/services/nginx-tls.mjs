import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, HOST, program, Server } from "./lib.mjs";
import { directoryOf, serviceUser } from "./postgres.mjs";

/**
 * How people configure an nginx that ends TLS in front of a Node server, by the name that comes second in the host.
 */
const KINDS = {
  plain: "",
  http11: "proxy_http_version 1.1;",
  kept: 'proxy_http_version 1.1; proxy_set_header Connection "";',
  sockets: 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
  localhost: "proxy_http_version 1.1; proxy_set_header Host localhost:$upstream;",
  forwarding:
    "proxy_set_header Host $host; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-For " +
    "$proxy_add_x_forwarded_for;",
  forwarded:
    "proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
  host: "proxy_set_header Host $host;",
};

/**
 * An nginx with a certificate of its own, which passes a request for the host `PORT.KIND.anything` on to that port of
 * this machine, as its kind says.
 */
export async function start() {
  const command = program("nginx", { apt: "nginx" });
  const user = serviceUser();
  const directory = directoryOf("nginx-tls", user);
  certify(directory, user);
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
  return { url: `https://${HOST}:${port}`, version: versionOf(command), servers: [server] };
}

function certify(directory, { uid, gid }) {
  const files = ["key.pem", "cert.pem"].map((name) => join(directory, name));
  const args = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
    "-subj",
    "/CN=holdfast.test",
    "-keyout",
    files[0],
    "-out",
    files[1],
  ];
  execFileSync(program("openssl", { apt: "openssl" }), args, { stdio: ["ignore", "ignore", "pipe"] });
  if (uid !== undefined) for (const file of files) chownSync(file, uid, gid);
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
      ssl_certificate ${directory}/cert.pem;
      ssl_certificate_key ${directory}/key.pem;
      ${Object.entries(KINDS)
        .map(([kind, lines]) => serverOf(port, kind, lines))
        .join("")}
    }
  `;
}

function serverOf(port, kind, lines) {
  return `
      server {
        listen ${HOST}:${port} ssl;
        server_name ~^(?<upstream>\\d+)\\.${kind}\\.;
        location / {
          proxy_pass http://${HOST}:$upstream;
          ${lines}
        }
      }`;
}

/** It is printed as an error. */
function versionOf(command) {
  return /\d+\.\d+\.\d+/.exec(spawnSync(command, ["-v"], { encoding: "utf8" }).stderr)?.[0];
}
