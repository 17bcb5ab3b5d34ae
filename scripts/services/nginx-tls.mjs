import { chownSync } from "node:fs";
import { certificateIn, HOST } from "./lib.mjs";
import { startNginx } from "./nginx-server.mjs";

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
export function start() {
  return startNginx("nginx-tls", { scheme: "https", http });
}

function http(directory, port, user) {
  certify(directory, user);
  return `
    ssl_certificate ${directory}/cert.pem;
    ssl_certificate_key ${directory}/key.pem;
    ${Object.entries(KINDS)
      .map(([kind, lines]) => serverOf(port, kind, lines))
      .join("")}
  `;
}

function certify(directory, { uid, gid }) {
  const files = certificateIn(directory);
  if (uid !== undefined) for (const file of files) chownSync(file, uid, gid);
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
