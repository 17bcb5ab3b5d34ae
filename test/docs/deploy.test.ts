import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, suite, test, type Mock, type TestContext } from "node:test";
import { createStore, type SessionEvent } from "holdfast";
import { openStorage } from "holdfast/open";
import { memoryStorage } from "holdfast/storage/memory";
import { testClock } from "holdfast/testing";
import { Client } from "../support/client.js";
import { ownService, unlessMissing, withService, type Service } from "../support/services.js";
import { until } from "../support/within.js";
import { compiled, pageAt, root, type Page } from "./pages.js";
import { clientOf, originOf, programsOf, type Module } from "./running.js";

/** The pages of docs/deploy: what each of their programs and commands does when it is run. */

type Run = (t: TestContext, ...blocks: Module[]) => Promise<void>;

/** The lines of JSON that a page's program has logged; the log is a mock while it runs. */
const logged = (): any[] =>
  (console.log as unknown as Mock<typeof console.log>).mock.calls.map(({ arguments: [line] }) => JSON.parse(line));

const servers = new Map<string, Service>();
for (const name of ["redis", "postgres"]) await withService(name, (server) => servers.set(name, server));

const RUNS: Readonly<Record<string, Run>> = {
  async "many-servers"(t, { server }, { stop }) {
    const [one, two] = [await clientOf(t, server()), await clientOf(t, server())];
    assert.equal((await one.get("/")).body, "Visits: 1");
    const cookie = { headers: { cookie: one.cookieHeader } };
    assert.equal((await two.get("/", cookie)).body, "Visits: 2");
    await two.post("/logout", cookie);
    assert.equal((await one.get("/")).body, "Visits: 1", "logged out on the other server");

    const slow = createServer((_req, res) => void setTimeout(() => res.end("done"), 50)).listen(0, "127.0.0.1");
    await once(slow, "listening");
    const answer = new Client(`http://127.0.0.1:${(slow.address() as AddressInfo).port}`).get("/");
    await once(slow, "request");
    const order: string[] = [];
    await Promise.all([
      answer.then(({ body }) => order.push(body)),
      stop(slow, async () => void order.push("client closed")),
    ]);
    assert.deepEqual(order.toSorted(), ["client closed", "done"]);
  },
  async serverless(_t, { handler }, { worker }) {
    const { body } = await handler(new Request("http://localhost/health"));
    assert.equal(await text(body), "ok");
    const first: Response = await handler(new Request("http://localhost/"));
    assert.deepEqual(await first.json(), { visits: 1 });
    const env = { SESSIONS: memoryStorage() };
    const one: Response = await worker.fetch(new Request("http://localhost/"), env);
    const headers = { cookie: one.headers.getSetCookie()[0]!.split(";")[0]! };
    const again = (where: object): Promise<Response> =>
      worker.fetch(new Request("http://localhost/", { headers }), where);
    assert.deepEqual(await (await again(env)).json(), { visits: 2 });
    assert.deepEqual(await (await again({ SESSIONS: memoryStorage() })).json(), { visits: 1 });
  },
  async functions(t, { handler }, { vercel, netlify }, { onNode }) {
    const event = (cookies: string[]): object => ({
      version: "2.0",
      rawPath: "/",
      rawQueryString: "",
      cookies,
      headers: { host: "api.example.com", "x-forwarded-proto": "https" },
      requestContext: { domainName: "api.example.com", http: { method: "GET", path: "/", sourceIp: "203.0.113.7" } },
      isBase64Encoded: false,
    });
    const first = await handler(event([]), {});
    assert.match(first.cookies[0], /^session_id=.*; Secure$/);
    const second = await handler(event([first.cookies[0].split(";")[0]]), {});
    assert.deepEqual([first.body, second.body], ['{"visits":1}', '{"visits":2}']);
    for (const fetched of [vercel.fetch, netlify]) {
      const response: Response = await fetched(new Request("https://example.com/"), {});
      assert.deepEqual(await response.json(), { visits: 1 });
    }
    const client = await clientOf(t, onNode);
    await client.get("/");
    assert.deepEqual((await client.get("/")).json(), { visits: 2 });
  },
  async "key-rotation"(_t, { today, first, second, third }) {
    const { id } = await today.create({ visits: 1 });
    const visits = async (store: Module): Promise<number | undefined> => (await store["getById"](id))?.get("visits");
    assert.deepEqual([await visits(first), await visits(second), await visits(third)], [1, 1, undefined]);
    await first.edit(id, (own: Module) => own["set"]("visits", 2));
    assert.equal(await visits(today), 2, "step 1 still writes with the old key");
    await second.edit(id, (own: Module) => own["set"]("visits", 3));
    assert.deepEqual([await visits(first), await visits(third), await visits(today)], [3, 3, undefined]);
  },
  async monitoring(t, { app, counters, storage }, _health, _channel) {
    const client = await clientOf(t, app);
    await client.get("/");
    await client.get("/");
    assert.equal(counters.get("session.absent.none"), 1);
    assert.equal(counters.get("session.created"), 1);
    assert.equal(counters.get("channel.created"), 1);
    assert.equal(counters.get("storage.create.done"), 1);
    assert.equal(counters.get("storage.get.done"), 1);
    assert.deepEqual((await client.get("/health")).json(), { problems: [] });
    assert.equal(typeof storage.check, "function");
  },
  async "why-logged-out"(t, { app }) {
    const client = await clientOf(t, app);
    const unknown = { headers: { cookie: `session_id=${"A".repeat(43)}` } };
    await client.get("/", unknown);
    const lines = logged();
    assert.deepEqual(
      lines.map(({ type, reason }) => [type, reason]),
      [["absent", "unknown"]],
    );
    assert.match(lines[0]!.at, /^\d{4}-\d\d-\d\dT/);
  },
  async checklist(t, { application }) {
    const client = await clientOf(t, application(memoryStorage()));
    assert.equal((await client.get("/")).headers["cache-control"], "no-store");
    const foreign = { headers: { "sec-fetch-site": "cross-site" } };
    assert.equal((await client.post("/", foreign)).status, 403, "row 9");
  },
  async cleanup(_t, { storage, pool }, { removed }) {
    storage.close();
    await pool.end();
    assert.equal(typeof removed, "number");
  },
};

const ours: readonly Page[] = [...Object.keys(RUNS), "proxy"].map((name) => pageAt(`deploy/${name}`));
const result = await compiled(
  { "postgres://localhost/app": servers.get("postgres")?.url ?? "postgres://localhost/app" },
  ours,
);
after(result.remove);

async function blocksOf(page: Page): Promise<Module[]> {
  const blocks: Module[] = [];
  for (const { run } of programsOf(page, result.directory)) blocks.push(await run());
  return blocks;
}

test("the programs of the deployment pages compile", () => assert.equal(result.says, ""));

suite("the programs of the deployment pages do what their pages say", () => {
  for (const page of ours.filter(({ name }) => Object.hasOwn(RUNS, name))) {
    if (page.name === "cleanup" && !servers.has("postgres")) continue;
    test(page.name, async (t) => {
      t.mock.method(console, "log", () => {});
      await RUNS[page.name]!(t, ...(await blocksOf(page)));
    });
  }
});

/** The program of the runbook, as the page has it. */
const runbook = pageAt("deploy/runbook");
const program = join(result.directory, "sessions.mjs");
writeFileSync(program, runbook.blocks.find(({ language }) => language === "js")!.code);

/** Runs it; returns what it printed, read as JSON, or its error. */
async function sessions(args: readonly string[], input = ""): Promise<any> {
  const child = spawn(process.execPath, [program, ...args], { cwd: root, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return out === "" ? err : JSON.parse(out);
}

test("every command of the runbook is one that its program has", () => {
  const code = runbook.blocks.find(({ language }) => language === "js")!.code;
  const known = [...code.matchAll(/^ {2}(?:async )?"?([a-z-]+)"?(?:\(|: )/gm)].map(([, name]) => name!);
  const used = [...runbook.text.matchAll(/node sessions\.mjs redis:\S+ shop ([a-z-]+)/g)].map(([, name]) => name!);
  assert.deepEqual(known, ["check", "list", "who", "id-of", "end", "end-user", "end-all"]);
  assert.deepEqual(
    [...new Set(used)].filter((name) => !known.includes(name)),
    [],
  );
  assert.ok(used.length >= 5);
});

test("the owner of a stolen cookie is found as the runbook says", async (t) => {
  const { session } = await import("holdfast/express");
  const { default: express } = await import("express");
  const events: SessionEvent[] = [];
  const clock = testClock();
  const app = express();
  app.use(session({ clock, onEvent: (event) => void events.push(event) }));
  app.post("/login", async (req, res) => {
    await req.session.authenticate("ann");
    res.end();
  });
  app.get("/", (_req, res) => void res.end());
  const client = await clientOf(t, app);
  await client.post("/login");
  const stolen = client.cookieHeader;
  await client.post("/login");
  clock.advance("10m");
  await client.get("/", { headers: { cookie: stolen } });
  const { id } = events.find(({ type }) => type === "retired-token")!;
  assert.equal(events.find(({ type, from }) => type === "renewed" && from === id)?.owner, "ann");
});

await unlessMissing("redis", "", async () => {
  const redis = await ownService("redis");
  test("while the database is gone requests get a 503 and keep their cookie; it comes back without a restart", async (t) => {
    const server = redis.servers[0]!;
    t.after(() => server.kill());
    const { storage, close } = await openStorage(redis.url);
    t.after(() => close());
    const { session } = await import("holdfast/express");
    const { default: express } = await import("express");
    t.mock.method(console, "error", () => {});
    const sessions = session<{ visits: number }>({ storage });
    const app = express();
    app.get("/health", (_req, res) => void res.end("ok"));
    app.use(sessions, (req, res) => {
      sessions.get(req).update("visits", (visits = 0) => visits + 1);
      res.json(sessions.get(req).get("visits"));
    });
    const client = await clientOf(t, app);
    assert.equal((await client.get("/")).body, "1");
    await server.kill();
    const gone = await client.get("/");
    assert.deepEqual([gone.status, gone.setCookies], [503, []]);
    assert.equal((await client.get("/health")).body, "ok");
    await server.start();
    const statuses: number[] = [];
    await until("the first response after the outage", async () => {
      statuses.push((await client.get("/")).status);
      return statuses.at(-1) === 200;
    });
    assert.ok(statuses.every((status) => [200, 503].includes(status)));
  });
});

suite("the runbook, tried", { concurrency: 2 }, () => {
  for (const [name, { url }] of servers) {
    test(`on ${name}`, async () => {
      const namespace = `shop-${process.pid}`;
      const { storage, close } = await openStorage(url);
      const store = createStore<{ cart: string[] }>({ storage, namespace });
      const other = createStore({ storage, namespace: `other-${process.pid}` });
      const ann = await store.create({ cart: ["rope"] }, { owner: "ann", info: { device: "Firefox" } });
      const annAgain = await store.create({}, { owner: "ann" });
      const bob = await store.create({}, { owner: "bob" });
      const foreign = await other.create({}, { owner: "ann" });
      const run = (...args: string[]): Promise<any> => sessions([url, namespace, ...args]);
      const live = async (): Promise<boolean[]> =>
        Promise.all(
          [store.getById(ann.id), store.getById(annAgain.id), store.getById(bob.id), other.getById(foreign.id)].map(
            async (one) => (await one) !== undefined,
          ),
        );
      assert.ok((await run("check")).every(({ what }: { what: string }) => what.length > 0));
      assert.deepEqual((await run("list", "ann"))[0].info, { device: "Firefox" });
      const { id, owner, keys } = await run("who", ann.id);
      assert.deepEqual([id, owner, keys], [ann.id, "ann", ["cart"]]);
      const found = await sessions([url, namespace, "id-of"], `${ann.token}\n`);
      assert.equal(found, ann.id);
      assert.equal(await run("end", bob.id), true);
      assert.equal(await run("who", bob.id), "no live session");
      assert.deepEqual(await live(), [true, true, false, true]);
      assert.equal(await run("end-user", "ann"), 2);
      assert.deepEqual(await live(), [false, false, false, true]);
      await store.create({}, { owner: "carl" });
      assert.match(await run("end-all"), new RegExp(`write: end-all ${namespace}`));
      assert.equal((await run("list", "carl")).length, 1);
      assert.equal(await run("end-all", namespace), "all sessions ended");
      assert.deepEqual(await run("list", "carl"), []);
      assert.deepEqual(await live(), [false, false, false, true], "another namespace is not touched");
      assert.match(await run("toString"), /commands: check, list/);
      await other.clear();
      await close();
    });
  }
});

interface Nginx {
  startNginx(name: string, options: object): Promise<Service>;
}
interface Lib {
  certificateIn(directory: string): readonly string[];
}
function script(path: string): Promise<unknown> {
  return import(new URL(`../../scripts/services/${path}`, import.meta.url).href);
}

const SAYS = "behind nginx, as the page configures it, the cookie is Secure and forms of the site itself pass";
await withService("nginx", () => test(SAYS, behindNginx));

async function behindNginx(t: TestContext): Promise<void> {
  const page = pageAt("deploy/proxy");
  const [{ app }] = (await blocksOf(page)) as [Module];
  const origin = await originOf(t, app);
  const configuration = page.blocks.find(({ language }) => language === "nginx")!.code;
  const { startNginx } = (await script("nginx-server.mjs")) as Nginx;
  const { certificateIn } = (await script("lib.mjs")) as Lib;
  const nginx = await startNginx("nginx-page", {
    scheme: "https",
    http(directory: string, port: number, { uid, gid }: { uid?: number; gid?: number }) {
      for (const file of certificateIn(directory)) if (uid !== undefined) chownSync(file, uid, gid!);
      return configuration
        .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
        .replace("http://127.0.0.1:3000", origin)
        .replaceAll("/etc/nginx", directory);
    },
  });
  t.after(() => nginx.servers[0]!.kill());
  const post = (headers: Record<string, string>): Promise<{ status: number; cookie: string | undefined }> =>
    new Promise((resolve, reject) => {
      const options = { method: "POST", headers: { host: "shop.example", ...headers }, rejectUnauthorized: false };
      const sent = request(`${nginx.url}/`, { ...options, agent: false }, (res) => {
        res.resume().once("end", () => resolve({ status: res.statusCode!, cookie: res.headers["set-cookie"]?.[0] }));
      });
      sent.once("error", reject).end();
    });
  const own = await post({ origin: "https://shop.example" });
  assert.equal(own.status, 200);
  assert.match(own.cookie!, /^__Host-session_id=.*; Secure$/);
  assert.equal((await post({ origin: "https://evil.example" })).status, 403);
}
