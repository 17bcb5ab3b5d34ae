import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test, type TestContext } from "node:test";
import { session } from "holdfast/fastify";
import { Client, type Sent } from "../support/client.js";
import { watched, type WatchedStorage } from "../support/storages.js";
import { mishaps } from "./hygiene.js";

interface Npm {
  fromNpm(packages: Record<string, string>): string;
}

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;
const load = createRequire(
  join(
    fromNpm({
      fastify: "5.12.8",
      "@fastify/compress": "9.2.0",
      "@fastify/static": "10.1.11",
      "@fastify/etag": "6.2.0",
      "@fastify/multipart": "10.1.9",
    }),
    "_.js",
  ),
);
const makeFastify: any = load("fastify");

/** Popular plugins beside the session, before it and after it: what they answer is what they answer without one. */

interface Data {
  n: number;
}

const directory = mkdtempSync(join(tmpdir(), "holdfast-plugins-"));
after(() => rmSync(directory, { recursive: true, force: true }));
writeFileSync(join(directory, "app.js"), "export default 1;\n".repeat(3000));

type Register = (app: any) => Promise<unknown>;

const PLUGINS: Readonly<Record<string, Register>> = {
  compress: (app) => app.register(load("@fastify/compress"), { threshold: 0 }),
  etag: (app) => app.register(load("@fastify/etag")),
  static: (app) =>
    app.register(load("@fastify/static"), { root: directory, prefix: "/files/", immutable: true, maxAge: "1y" }),
  multipart: (app) => app.register(load("@fastify/multipart"), { attachFieldsToBody: true }),
};

const UPLOAD = [
  "--b",
  'Content-Disposition: form-data; name="title"',
  "",
  "tea",
  "--b",
  'Content-Disposition: form-data; name="file"; filename="a.txt"',
  "Content-Type: text/plain",
  "",
  "leaves",
  "--b--",
  "",
].join("\r\n");

const REQUESTS: readonly (readonly [path: string, sent: Sent])[] = [
  ["/text", {}],
  ["/text", { headers: { "accept-encoding": "gzip" } }],
  ["/stream", { headers: { "accept-encoding": "gzip" } }],
  ["/text", { method: "HEAD" }],
  ["/files/app.js", {}],
  ["/files/app.js", { headers: { "accept-encoding": "gzip" } }],
  ["/files/app.js", { headers: { range: "bytes=0-9" } }],
  ["/files/app.js", { method: "HEAD" }],
  ["/files/nothing.js", {}],
  ["/upload", { method: "POST", headers: { "content-type": "multipart/form-data; boundary=b" }, body: UPLOAD }],
];

async function served(
  t: TestContext,
  order: "before" | "after" | "without",
  storage: WatchedStorage,
): Promise<Client> {
  const app = makeFastify({ forceCloseConnections: true });
  t.after(() => app.close());
  const sessions = session<Data>({ storage });
  const mount = async (): Promise<void> => {
    await app.register(sessions);
    app.addHook("onRequest", async (request: any) => sessions.get(request).update("n", (n = 0) => n + 1));
  };
  if (order === "before") await mount();
  for (const plugin of Object.values(PLUGINS)) await plugin(app);
  if (order === "after") await mount();
  app.get("/text", async (_request: unknown, reply: any) => reply.type("text/plain").send("tea ".repeat(500)));
  app.get("/stream", async (_request: unknown, reply: any) =>
    reply.type("text/plain").send(Readable.from(["tea ", "leaves"])),
  );
  app.post("/upload", async (request: any) => ({
    title: request.body.title.value,
    file: String(await request.body.file.toBuffer()),
  }));
  return new Client(await app.listen({ port: 0, host: "127.0.0.1" }));
}

for (const order of ["before", "after"] as const) {
  test(`A17: compress, etag, static and multipart, the session registered ${order} them: the response is as without it, after it is stored`, async (t) => {
    const earlier = mishaps.length;
    const storage = watched();
    storage.delay(2);
    const [bare, client] = [await served(t, "without", watched()), await served(t, order, storage)];
    for (const [path, sent] of REQUESTS) {
      const [expected, answer] = [await bare.send(path, sent), await client.send(path, sent)];
      const what = `${sent.method ?? "GET"} ${path} ${JSON.stringify(sent.headers ?? {})}`;
      assert.deepEqual(
        [answer.status, answer.body, answer.headers["content-encoding"], answer.headers.etag],
        [expected.status, expected.body, expected.headers["content-encoding"], expected.headers.etag],
        what,
      );
      if (expected.headers.etag && expected.status === 200) {
        const again: Sent = { ...sent, headers: { ...sent.headers, "if-none-match": expected.headers.etag } };
        assert.equal((await client.send(path, again)).status, (await bare.send(path, again)).status, what);
      }
    }
    assert.equal(storage.counts.create, 1);
    storage.fail("update");
    for (const [path, sent] of REQUESTS) {
      const answer = await client.send(path, sent);
      assert.deepEqual([answer.status, answer.setCookies], [503, []], path);
      assert.doesNotMatch(answer.body, /tea|export|leaves/);
    }
    assert.deepEqual(mishaps.slice(earlier), []);
  });
}
