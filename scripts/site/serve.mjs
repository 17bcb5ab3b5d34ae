/** Serves the built site as a host of static files does: `/tasks/login` is `tasks/login.html`. */
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { SITE } from "./pages.mjs";

/** Where the site is built. */
export const OUTPUT = fileURLToPath(new URL("../../.site/dist", import.meta.url));

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".md": "text/markdown; charset=utf-8",
  ".xml": "application/xml",
};

/** Starts the server; answers its address, with the path of the site, and how to stop it. */
export async function serve(directory, port = 0) {
  const base = new URL(SITE).pathname;
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const file = pathname.startsWith(base) && fileOf(directory, decodeURIComponent(pathname.slice(base.length)));
    response.writeHead(file ? 200 : 404, { "Content-Type": TYPES[extname(file || "404.html")] ?? "text/plain" });
    response.end(readFileSync(file || join(directory, "404.html")));
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  const stop = () => (server.closeAllConnections(), new Promise((done) => server.close(done)));
  return { origin: `http://127.0.0.1:${server.address().port}${base}`, stop };
}

/** The file of an address; undefined if there is none. */
export function fileOf(directory, path) {
  const own = normalize(`/${path}`);
  return [own, `${own}.html`, join(own, "index.html")]
    .map((name) => join(directory, name))
    .find((file) => existsSync(file) && statSync(file).isFile());
}
