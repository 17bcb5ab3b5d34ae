import { createServer } from "node:http";
import type { Stage } from "../row.js";
import { closed, listen } from "./listen.js";
import { LARGE, slowStream } from "./wrappers.js";

/** A server behind a proxy. It sets a cookie of its own, and answers each path differently. */
export async function upstream({ onEnd }: Stage): Promise<string> {
  const server = createServer((req, res) => {
    res.setHeader("Set-Cookie", ["upstream=1; Path=/", "second=2"]);
    if (req.url?.endsWith("/large")) return void res.end(JSON.stringify(LARGE));
    if (req.url?.endsWith("/stream")) return void slowStream(20).pipe(res);
    if (req.url?.endsWith("/redirect")) return void res.writeHead(302, { Location: "/there" }).end();
    if (req.url?.endsWith("/304")) return void res.writeHead(304, { ETag: '"a"' }).end();
    if (req.url?.endsWith("/broken")) return void res.write("half", () => res.destroy());
    let length = 0;
    req
      .on("data", (piece: Buffer) => (length += piece.length))
      .on("end", () => res.setHeader("Content-Type", "text/plain").end(`${req.method} with ${length} bytes`));
  });
  onEnd(() => closed(server));
  const port = await listen(server);
  return `http://127.0.0.1:${port}`;
}
