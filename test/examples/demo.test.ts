import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test, type TestContext } from "node:test";
import { Client } from "../support/client.js";
import { withService } from "../support/services.js";
import { within } from "../support/within.js";
import { root, start, type Running } from "./running.js";

const DEMO = "demo/main.js";
const RUNNERS = 50;
const NAMES = ["increments", "logout", "login", "unplugged"] as const;
const SIDES = ["express-session", "holdfast"] as const;

/** A line of a run, as the page gets it. */
interface Told {
  readonly side: string;
  readonly is: string;
  readonly at: number;
  readonly id?: number;
  readonly status?: number;
  readonly kind?: string;
  readonly outcome?: string;
  readonly about?: string;
  readonly there?: boolean;
  readonly holds?: string | null;
  readonly plugged?: boolean;
  readonly good?: boolean;
  readonly headline?: string;
  readonly counted?: number;
}

/** Runs an experiment as the page does; what each library's side told. */
async function play(origin: string, name: string): Promise<Record<(typeof SIDES)[number], readonly Told[]>> {
  const response = await fetch(new URL(`/run/${name}`, origin), { method: "POST" });
  assert.equal(response.status, 200);
  const body = await within(20_000, `the end of ${name}`, response.text());
  assert.doesNotMatch(body, /[\w-]{40,}/, "a token, or a key, is told");
  const lines = body.trimEnd().split("\n");
  const told = lines.map((line): Told => JSON.parse(line));
  const of = (side: string): Told[] => told.filter((line) => line.side === side);
  return { "express-session": of("express-session"), holdfast: of("holdfast") };
}

const resultOf = (told: readonly Told[]): Told => told.find(({ is }) => is === "result")!;
const cookiesOf = (told: readonly Told[]): unknown[] =>
  told.filter(({ is }) => is === "cookie").map(({ holds }) => holds);
const callsOf = (told: readonly Told[]): Told[] => told.filter(({ is }) => is === "call");
/** How often a session came back that had ended. */
const returnsOf = (told: readonly Told[]): number => {
  const ended = new Set<unknown>();
  let returns = 0;
  for (const { is, about, there } of told) {
    if (is !== "stored") continue;
    if (!there) ended.add(about);
    else if (ended.delete(about)) returns++;
  }
  return returns;
};

/** What must be so of each run, whatever came out. */
function assertWhole(told: readonly Told[]): void {
  const requests = told.filter(({ is }) => is === "request").map(({ id }) => id!);
  const responses = told.filter(({ is }) => is === "response").map(({ id }) => id!);
  assert.deepEqual(responses.toSorted(), requests.toSorted(), "each request has one response");
  assert.ok(
    callsOf(told).every(({ id }) => requests.includes(id!)),
    "each storage call belongs to a request",
  );
  assert.deepEqual(
    told,
    told.toSorted((a, b) => a.at - b.at),
    "told in the order in which it happened",
  );
  assert.equal(told.at(-1)!.is, "result");
}

/** The experiments, and what must be measured on any storage. */
const CHECKS: Record<(typeof NAMES)[number], (peer: readonly Told[], holdfast: readonly Told[]) => void> = {
  increments(peer, holdfast) {
    for (const told of [peer, holdfast]) assert.ok(told.filter(({ is }) => is === "request").length === RUNNERS + 2);
    assert.equal(resultOf(holdfast).counted, RUNNERS);
    assert.equal(resultOf(holdfast).headline, `50 of 50 counted`);
    const { counted } = resultOf(peer);
    assert.ok(counted! >= 1 && counted! < RUNNERS, `express-session counted ${counted}`);
    const outcomes = (told: readonly Told[], outcome: string) =>
      callsOf(told).filter((call) => call.outcome === outcome).length;
    assert.ok(outcomes(holdfast, "refused") > 0, "somebody was overtaken, and it was noticed");
    assert.equal(outcomes(peer, "refused"), 0);
  },
  logout(peer, holdfast) {
    assert.deepEqual([returnsOf(peer), returnsOf(holdfast)], [1, 0]);
    assert.deepEqual(cookiesOf(holdfast), ["A", null]);
    assert.deepEqual(lastStatus(peer, holdfast), [200, 401]);
  },
  login(peer, holdfast) {
    assert.deepEqual(cookiesOf(peer), ["A", "B", "A"]);
    assert.deepEqual(cookiesOf(holdfast), ["A", "B"]);
    assert.deepEqual(lastStatus(peer, holdfast), [401, 200]);
  },
  unplugged(peer, holdfast) {
    for (const told of [peer, holdfast]) {
      const [away, back] = told.filter(({ is }) => is === "cable").map(({ at }) => at);
      const failed = callsOf(told).filter(({ outcome }) => outcome === "failed");
      assert.ok(failed.length > 0);
      assert.ok(failed[0]!.at >= away! && back! > away!);
    }
    const statuses = (told: readonly Told[]) =>
      told.filter(({ is, id }) => is === "response" && [1, 2, 3].includes(id!)).map(({ status }) => status);
    assert.deepEqual(statuses(holdfast), [503, 503, 503], "nothing is confirmed while the database is away");
    assert.match(resultOf(holdfast).headline!, /^3 of 3 confirmed/);
    assert.match(resultOf(peer).headline!, /^[12] of 3 confirmed/);
  },
};

const lastStatus = (...sides: readonly (readonly Told[])[]): unknown[] =>
  sides.map((told) => told.findLast(({ is }) => is === "response")!.status);

async function playAll(origin: string): Promise<void> {
  for (const name of NAMES) {
    const { "express-session": peer, holdfast } = await play(origin, name);
    for (const told of [peer, holdfast]) assertWhole(told);
    assert.deepEqual([resultOf(peer).good, resultOf(holdfast).good], [false, true], name);
    CHECKS[name](peer, holdfast);
  }
}

suite("the experiments, as they are measured", () => {
  test("in memory", async (t) => {
    const { origin, printed } = await start(t, DEMO);
    assert.match((await new Client(origin).get("/")).body, /Sessions are in <b data-storage>memory<\/b>/);
    await playAll(origin);
    assert.equal(printed().trim().split("\n").length, 2, printed());
  });

  test("in SQLite, beside the MemoryStore of express-session, which the page says", async (t) => {
    const { origin, printed } = await start(t, DEMO, { PORT: "0" }, ["--storage", `sqlite:${directory(t)}/demo.db`]);
    assert.match(printed(), /sessions in SQLite/);
    assert.match((await new Client(origin).get("/")).body, /<b data-storage>SQLite<\/b>.*MemoryStore: .*for SQLite/s);
    const { holdfast } = await play(origin, "unplugged");
    assert.equal(resultOf(holdfast).good, true);
  });

  test("two pages at once do not disturb each other", async (t) => {
    const { origin } = await start(t, DEMO);
    const pages = await Promise.all([play(origin, "increments"), play(origin, "increments")]);
    for (const { holdfast } of pages) assert.equal(resultOf(holdfast).counted, RUNNERS);
  });
});

for (const [name, database, store] of [
  ["redis", "Redis", "connect-redis"],
  ["postgres", "PostgreSQL", "connect-pg-simple"],
] as const) {
  await withService(name, ({ url }) => {
    test(`the experiments on ${database}, which is unplugged by a proxy in front of it`, async (t) => {
      const { origin } = await start(t, DEMO, { PORT: "0" }, ["--storage", url]);
      assert.match((await new Client(origin).get("/")).body, new RegExp(`<b data-storage>${database}<.*${store}`));
      await playAll(origin);
    });
  });
}

suite("the page and its server", () => {
  let opened: Running;
  let origin: string;
  const ends: (() => unknown)[] = [];
  before(async () => {
    opened = await start({ after: (end: () => unknown) => void ends.push(end) }, DEMO);
    ({ origin } = opened);
  });
  after(() => ends.forEach((end) => end()));

  test("without script a button runs all four, and the page shows them; each is in words, too", async () => {
    const client = new Client(origin);
    assert.match((await client.get("/")).body, /<noscript>[^]*action="\/results"/);
    const { body, status } = await client.post("/results");
    assert.equal(status, 200);
    assert.equal(body.match(/role="img"/g)?.length, 8);
    assert.match(body, /50 of 50 counted[^]*GET \/account; with a copy of the cookie from before; cookie A; read A/);
    assert.deepEqual([...client.cookies], [], "the page has no session");
  });

  test("the code beside an experiment is the code that runs", async () => {
    const { body } = await new Client(origin).get("/");
    assert.equal(body.match(/<pre/g)?.length, 8);
    for (const line of ["req.session.count = (req.session.count ?? 0) + 1", "await req.session.destroy()"])
      assert.ok(body.includes(line), line);
  });

  test("nothing from elsewhere is loaded or obeyed, and what it is asked for wrongly it refuses", async () => {
    const client = new Client(origin);
    const { headers, body } = await client.get("/", { headers: { host: `"><script>.example` } });
    assert.match(String(headers["content-security-policy"]), /^default-src 'none'.*frame-ancestors 'none'$/);
    assert.doesNotMatch(String(headers["content-security-policy"]), /unsafe/);
    assert.doesNotMatch(body, /<script>|style="| on\w+="/);
    assert.equal((await client.post("/run/nosuch")).status, 404);
    assert.equal((await client.get("/run/logout")).status, 404);
    assert.equal((await client.get("/%")).status, 404);
    assert.equal((await client.post("/run/logout", { headers: { "sec-fetch-site": "cross-site" } })).status, 403);
    for (const file of ["timeline.js", "record.js", "page.js", "style.css"])
      assert.equal((await client.get(`/${file}`)).status, 200, file);
    for (const file of ["server.js", "../package.json", "subjects/holdfast.js"])
      assert.equal((await client.get(`/${file}`)).status, 404, file);
  });

  test("more than eight runs at once are refused, and what runs goes on", async () => {
    const runs = await Promise.all(
      Array.from({ length: 9 }, () => fetch(new URL("/run/login", origin), { method: "POST" })),
    );
    const statuses = runs.map(({ status }) => status).toSorted();
    assert.deepEqual(statuses, [...Array(8).fill(200), 503]);
    const bodies = await Promise.all(runs.filter(({ status }) => status === 200).map((run) => run.text()));
    for (const body of bodies) assert.match(body, /"side":"holdfast","is":"result","good":true/);
  });

  test("the shop runs beside it, and the page links to it under the name that the browser used", async () => {
    const { printed } = opened;
    const [, shop] = /a shop: (http:\/\/127\.0\.0\.1:\d+)/.exec(printed())!;
    assert.match((await new Client(shop!).get("/")).body, /Things that hold/);
    const { port } = new URL(shop!);
    const asked = (host: string) => new Client(origin).get("/", { headers: { host } });
    assert.ok((await asked("localhost")).body.includes(`href="http://localhost:${port}/"`));
    assert.ok((await asked("[::1]:80")).body.includes(`href="http://[::1]:${port}/"`));
  });
});

test("the picture for pages that cannot run it is small, and shows what was measured", () => {
  const picture = readFileSync(join(root, "docs", ".vitepress", "public", "demonstration.svg"), "utf8");
  assert.ok(picture.length < 100_000, `${picture.length} bytes`);
  for (const words of ["50 of 50 counted", "Signed in again", "A is back", "Signed out"])
    assert.ok(picture.includes(words), words);
  assert.doesNotMatch(picture, /<script|[\w-]{40,}/);
});

suite("npm start", () => {
  const command = async (...args: string[]): Promise<{ code: number | null; out: string; error: string }> => {
    const child = spawn(process.execPath, ["scripts/start.mjs", ...args], {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, error] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (error += text));
    const code = await within(5000, "the end", new Promise<number | null>((resolve) => child.once("close", resolve)));
    return { code, out, error };
  };

  test("--help says what there is, and starts nothing", async () => {
    const { code, out, error } = await command("--help");
    assert.deepEqual([code, error], [0, ""]);
    for (const option of ["--storage ADDRESS", "--port NUMBER", "--help"]) assert.ok(out.includes(option), option);
  });

  for (const args of [["--storag", "redis://localhost"], ["redis://localhost"], ["--port"], ["--help=yes"]]) {
    test(`${args.join(" ")} is refused, with what there is`, async () => {
      const { code, out, error } = await command(...args);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(error, /--storage ADDRESS/);
    });
  }

  test("a port that is none, and an address that is no storage's, are named", async (t) => {
    await assert.rejects(start(t, DEMO, {}, ["--port", "http"]), /PORT is "http"; write a number/);
    await assert.rejects(
      start(t, DEMO, {}, ["--port", "0", "--storage", "ftp://localhost"]),
      /not the URL of a storage/,
    );
  });

  test("SIGTERM ends both servers, also while an experiment runs", async (t) => {
    const { origin, end } = await start(t, DEMO);
    const run = await fetch(new URL("/run/login", origin), { method: "POST" });
    const rest = run.text().catch(() => "");
    const { code, signal } = await end("SIGTERM");
    assert.deepEqual([code, signal], [0, null]);
    await rest;
  });
});

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "holdfast-demo-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
