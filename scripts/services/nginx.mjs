import { HOST } from "./lib.mjs";
import { startNginx } from "./nginx-server.mjs";

/**
 * An nginx that keeps all it may, and more: what says nothing of caches it keeps for an hour, a Set-Cookie holds it
 * back no more than RFC 9111 does. It passes a request for the host `PORT.anything` on to that port of this machine,
 * and says in `X-Cache` what it did.
 */
export function start() {
  return startNginx("nginx", { scheme: "http", http });
}

function http(directory, port) {
  return `
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
  `;
}
