import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { Client, RawConnection } from "../support/client.js";
import { aWhile } from "../support/within.js";
import { start } from "./running.js";

const SHOP = "shop/main.js";

suite("the shop opens where it is told, and closes when it is told", { concurrency: 2 }, () => {
  test("PORT and HOST are used, and the printed address responds", async (t) => {
    const { port } = await taken(t, 0, { free: true });
    const { origin } = await start(t, SHOP, { PORT: String(port), HOST: "localhost" });
    assert.equal(origin, `http://localhost:${port}`);
    assert.equal((await new Client(origin).get("/")).status, 200);
  });

  test("without PORT, where 3000 is taken, it finds a free one", async (t) => {
    await taken(t, 3000).catch(() => {});
    const { origin } = await start(t, SHOP, {});
    assert.match(origin, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.notEqual(new URL(origin).port, "3000");
    assert.match((await new Client(origin).get("/")).body, /Things that hold/);
  });

  test("a PORT that is in use, or invalid, is refused: no other address is used", async (t) => {
    const { port } = await taken(t, 0);
    await assert.rejects(start(t, SHOP, { PORT: String(port) }), /EADDRINUSE/);
    await assert.rejects(start(t, SHOP, { PORT: "http" }), /PORT is "http"; write a number/);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} ends it immediately, also with open connections and a partial request`, async (t) => {
      const { origin, end, printed } = await start(t, SHOP);
      const [idle, halfSent] = [
        new RawConnection(Number(new URL(origin).port)),
        new RawConnection(Number(new URL(origin).port)),
      ];
      t.after(() => [idle, halfSent].forEach((connection) => connection.close()));
      idle.pipeline({ path: "/" });
      halfSent.write("POST /cart/add HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nprod");
      await idle.answers(1);
      await aWhile();
      const { code, signal: by, ms } = await end(signal);
      assert.deepEqual([code, by], [0, null], printed());
      // Connections that nobody closes would hold it for five seconds and more.
      assert.ok(ms < 4500, `it took ${Math.round(ms)} ms`);
      assert.equal(printed().trim().split("\n").length, 1, "it prints its address and nothing else");
    });
  }
});

suite("whatever is sent to the shop", () => {
  test("hostile input is a page, never a 500, and never a cookie", async (t) => {
    const { origin, printed } = await start(t, SHOP);
    const client = new Client(origin);
    const text = { "content-type": "application/x-www-form-urlencoded" };
    const sent = [
      ["GET", "/nosuch", undefined, 404],
      ["GET", "/%", undefined, 404],
      ["POST", "/cart/add", undefined, 303],
      ["POST", "/cart/add", "product=nosuch", 303],
      ["POST", "/cart/add", "product=rope2&product=rope2&product[$ne]=&__proto__=x", 303],
      ["POST", "/cart/remove", "product=constructor", 303],
      ["POST", "/login", "name=Ines&name=Ines&password=tidewater", 401],
      ["POST", "/login", "name=__proto__&password=", 401],
      ["POST", "/login", `name=${"x".repeat(9000)}`, 413],
      ["POST", "/logout", undefined, 303],
      ["POST", "/session/renew", undefined, 303],
      ["POST", "/checkout", undefined, 303],
      ["GET", "/devices", undefined, 303],
      ["POST", "/devices/end", "id=id_x", 303],
      ["POST", "/devices/end-others", undefined, 303],
    ] as const;
    for (const [method, path, body, status] of sent) {
      const answer = await client.send(path, { method, ...(body !== undefined && { body, headers: text }) });
      assert.equal(answer.status, status, `${method} ${path} ${body?.slice(0, 40)}`);
      assert.deepEqual(answer.setCookies, []);
      assert.match(answer.headers.location ?? "/", /^\/(?!\/)/);
    }
    const forged = await client.get("/session", { headers: { cookie: "session_id=%00../../etc/passwd" } });
    assert.match(forged.body, /You have none/);
    assert.equal(printed().trim().split("\n").length, 1, printed());
  });

  test("every page forbids to be stored, framed, and to load anything from elsewhere", async (t) => {
    const { origin } = await start(t, SHOP);
    for (const path of ["/", "/cart", "/session", "/race", "/login", "/nosuch"]) {
      const { headers, body } = await new Client(origin).get(path);
      assert.equal(headers["cache-control"], "no-store", path);
      assert.match(String(headers["content-security-policy"]), /default-src 'none'.*frame-ancestors 'none'/);
      assert.equal(headers["x-powered-by"], undefined);
      assert.ok(!/(?:src|href|action)="(?!\/(?!\/))/.test(body), `${path} names another place`);
    }
  });
});

suite("your devices", () => {
  const form = (body: string, agent = "curl/8") => ({
    method: "POST",
    body,
    headers: { "content-type": "application/x-www-form-urlencoded", "user-agent": agent },
  });
  const signIn = async (origin: string, who: string, agent?: string): Promise<Client> => {
    const client = new Client(origin);
    assert.equal((await client.send("/login", form(who, agent))).status, 303);
    return client;
  };
  const INES = "name=Ines&password=tidewater";
  const isIn = async (client: Client): Promise<boolean> => (await client.get("/account")).status === 200;

  test("a user sees where she is signed in, ends one session, then all others; never those of another user", async (t) => {
    const { origin } = await start(t, SHOP);
    const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    const [here, phone, laptop] = [
      await signIn(origin, INES),
      await signIn(origin, INES, "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36"),
      await signIn(origin, INES, firefox),
    ];
    const jonas = await signIn(origin, "name=Jonas&password=lighthouse");
    const { body } = await here.get("/devices");
    assert.match(body, /two|2 other places/);
    for (const device of ["curl", "Chrome on Android", "Firefox on Linux"])
      assert.ok(body.includes(`<b>${device}</b>`), device);
    for (const { cookies } of [here, phone, laptop]) assert.ok(!body.includes(cookies.get("session_id")!));

    const [first] = /id_[\w-]{43}/.exec((await here.get("/devices")).body)!;
    await jonas.send("/devices/end", form(`id=${first}`));
    assert.deepEqual(await Promise.all([here, phone, laptop].map(isIn)), [true, true, true], "not his to end");
    await here.send("/devices/end", form(`id=${first}`));
    assert.match((await here.get("/devices")).body, /role="status">[^<]* is signed out\./);
    assert.ok(!(await here.get("/devices")).body.includes('role="status"'), "said once");
    assert.deepEqual(await Promise.all([here, phone, laptop].map(isIn)), [true, false, true]);
    await here.send("/devices/end-others", form(""));
    assert.match((await here.get("/devices")).body, /One other place is signed out\.[^]*nowhere else/);
    assert.deepEqual(await Promise.all([here, phone, laptop, jonas].map(isIn)), [true, false, false, true]);
    await here.send("/logout-everywhere", form(""));
    assert.deepEqual(await Promise.all([here, jonas].map(isIn)), [false, true], "everywhere, but nobody else");
    assert.equal(here.cookies.size, 0);
  });
});

suite("the race page, fifty overlapping requests on one session", () => {
  const RUNNERS = 50;
  /** Of each lane of the page: where it lines up and counts, where a runner goes, and what counts are right. */
  const LANES = [
    { way: "update", base: "/race", fire: "/race/update", isRight: (count: number) => count === RUNNERS },
    { way: "set", base: "/race", fire: "/race/set", isRight: losesSome },
    { way: "peer", base: "/race/express-session", fire: "/race/express-session/add", isRight: losesSome },
  ];

  for (const storage of ["memory", "SQLite"]) {
    test(`update counts every one, get and set lose some, and so does express-session; the shop's sessions in ${storage}`, async (t) => {
      const { origin, printed } = await start(
        t,
        SHOP,
        { PORT: "0" },
        storage === "memory" ? [] : ["--storage", `sqlite:${join(directory(t), "shop.db")}`],
      );
      const client = new Client(origin);
      const page = (await client.get("/race")).body;
      assert.deepEqual([...client.cookies], [], "looking at the page makes no session");
      for (const { way, base, fire, isRight } of LANES) {
        assert.ok(
          page.includes(`data-lane="${way}" data-base="${base}" data-fire="${fire}"`),
          `${way} is on the page`,
        );
        const began: number = (await client.post(`${base}/line-up`)).json()[way];
        const sent = { method: "POST", headers: { cookie: client.cookieHeader } };
        const answers = await Promise.all(Array.from({ length: RUNNERS }, () => fetch(new URL(fire, origin), sent)));
        assert.deepEqual([...new Set(answers.map(({ status }) => status))], [204]);
        const counted = (await client.get(`${base}/counts`)).json()[way] - began;
        assert.ok(isRight(counted), `${way} counted ${counted} of ${RUNNERS}`);
      }
      assert.equal(printed().trim().split("\n").length, 1, printed());
    });
  }

  test("express-session has a cookie of its own, and nothing of it is in the shop's session", async (t) => {
    const { origin } = await start(t, SHOP);
    const client = new Client(origin);
    const { setCookies } = await client.post("/race/express-session/line-up");
    assert.match(setCookies[0]!, /^express_session=.*; Path=\/race\/express-session; .*HttpOnly; SameSite=Lax$/);
    assert.equal(setCookies.length, 1);
    assert.match((await client.get("/session")).body, /You have none/);
    assert.equal((await client.get("/race/express-session/nosuch")).status, 404);
    assert.deepEqual((await client.get("/race/counts")).json(), { update: 0, set: 0 });
  });
});

function losesSome(count: number): boolean {
  return count >= 1 && count < 50;
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "holdfast-race-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A port that somebody else listens on; `free`: that somebody did, a moment ago. */
async function taken(t: TestContext, port: number, { free = false } = {}): Promise<AddressInfo> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  const close = (): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));
  if (free) await close();
  else t.after(close);
  return address;
}
