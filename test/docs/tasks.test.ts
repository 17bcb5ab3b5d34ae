import assert from "node:assert/strict";
import { join } from "node:path";
import { after, suite, test, type TestContext } from "node:test";
import { seed } from "holdfast/testing";
import type { Client } from "../support/client.js";
import { compiled, moduleOf, pageAt, run, type Page } from "./pages.js";
import { clientOf, programsOf, type Module } from "./running.js";

/** The pages of docs/tasks: what each of their programs does when it is run, in the order of the page. */

type Run = (t: TestContext, ...blocks: Module[]) => Promise<void>;

const json = (value: object): { headers: Record<string, string>; body: string } => ({
  headers: { "content-type": "application/json" },
  body: JSON.stringify(value),
});
function later(t: TestContext, ms: number): void {
  const now = Date.now() + ms;
  t.mock.method(Date, "now", () => now);
}
const at = (host: string): { headers: Record<string, string> } => ({ headers: { host } });

const RUNS: Readonly<Record<string, Run>> = {
  async login(t, { app }, _whenEnded) {
    const client = await clientOf(t, app);
    const form = { name: "ann", password: "secret" };
    assert.equal((await client.get("/account")).headers.location, "/login");
    assert.equal((await client.post("/login", { form: { ...form, password: "no" } })).status, 401);
    assert.equal((await client.follow("/login", { method: "POST", form })).body, "The account of user 7");
    const [one, two] = await Promise.all([client.post("/login", { form }), client.post("/login", { form })]);
    const places = [one.headers.location, two.headers.location];
    assert.deepEqual(
      places,
      ["/account", "/account"],
      "of two logins at once one is sent to the page by the handler",
    );
    const copy = client.cookieHeader;
    await client.post("/logout");
    assert.equal((await client.get("/account", { headers: { cookie: copy } })).headers.location, "/login");
  },
  async "one-time-values"(t, { app }) {
    const client = await clientOf(t, app);
    assert.deepEqual((await client.follow("/cart", { method: "POST" })).json(), { message: "Added to your cart" });
    assert.deepEqual((await client.get("/cart")).json(), {});
    const away = await client.get("/login/provider");
    const callback = `/callback?state=${new URL(away.headers.location!).searchParams.get("state")}`;
    assert.equal((await client.get("/callback?state=forged")).status, 403);
    assert.equal((await client.get(callback)).status, 403, "the forged one has used it up");
    const again = await client.get("/login/provider");
    const state = new URL(again.headers.location!).searchParams.get("state");
    const answers = await Promise.all([1, 2].map(() => client.get(`/callback?state=${state}`)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [302, 403]);
  },
  async impersonation(t, { app, sessions }) {
    const client = await clientOf(t, app);
    assert.equal((await client.post("/act-as/user-7")).status, 403);
    const { cookie = "" } = await seed(sessions, {}, { owner: "admin-1" });
    client.cookies.set("session_id", cookie.split("=")[1]!);
    assert.equal((await client.get("/")).body, "Hello, admin-1");
    assert.equal((await client.follow("/act-as/user-7", { method: "POST" })).body, "admin-1 acts as user-7");
    assert.equal((await client.follow("/return", { method: "POST" })).body, "Hello, admin-1");
    assert.equal((await client.get("/", { headers: { cookie } })).body, "Hello, undefined", "the first token");
  },
  async "cross-origin"(t, { app }) {
    const client = await clientOf(t, app);
    const from = async (site: string): Promise<number> =>
      (await client.post("/", { headers: { "sec-fetch-site": site } })).status;
    assert.deepEqual([await from("same-origin"), await from("cross-site"), await from("same-site")], [404, 403, 403]);
  },
  async "current-session"(t, { app }) {
    const log = t.mock.method(console, "log", () => {});
    assert.equal((await (await clientOf(t, app)).get("/")).body, "Hello");
    const [line] = log.mock.calls.map(({ arguments: [said] }) => JSON.parse(String(said)) as Module);
    assert.match(line!["session"], /^id_/);
  },
  async schemas(t, { app }) {
    const client = await clientOf(t, app);
    assert.deepEqual(
      [(await client.post("/cart")).json(), (await client.post("/cart")).json()],
      [{ items: 1 }, { items: 2 }],
    );
  },
  async "log-out-everywhere"(t, { app, sessions }, { closeAccount }) {
    const [phone, laptop] = [await clientOf(t, app), await clientOf(t, app)];
    const login = (client: Client, password = "secret"): Promise<unknown> =>
      client.post("/login", { form: { name: "ann", password } });
    const people = async (): Promise<string[]> => [(await phone.get("/")).body, (await laptop.get("/")).body];
    await Promise.all([login(phone), login(laptop)]);
    assert.deepEqual(await people(), ["ann", "ann"]);
    await phone.post("/password", { form: { old: "wrong", new: "x" } });
    assert.deepEqual(await people(), ["ann", "ann"]);
    await phone.post("/password", { form: { old: "secret", new: "better" } });
    assert.deepEqual(await people(), ["ann", "visitor"]);
    await login(laptop, "better");
    await phone.post("/logout-everywhere");
    assert.deepEqual(await people(), ["visitor", "visitor"]);
    await login(laptop, "better");
    assert.equal(await closeAccount("ann"), 1);
    assert.deepEqual([await people(), await sessions.store.listByOwner("ann")], [["visitor", "visitor"], []]);
  },
  async devices(t, { app, deviceOf }, { strict }) {
    const [phone, laptop, other] = [await clientOf(t, app), await clientOf(t, app), await clientOf(t, app)];
    assert.equal((await phone.get("/devices")).status, 401);
    const windows = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0";
    assert.equal(deviceOf(windows), "Edge on Windows");
    await phone.post("/login", { headers: { "user-agent": "Mozilla/5.0 (Android 14) Firefox/133.0" } });
    await laptop.post("/login");
    const list = (await phone.get("/devices")).json() as { id: string; device: string; isThisOne: boolean }[];
    assert.deepEqual(
      list.map(({ device, isThisOne }) => [device, isThisOne]),
      [
        ["Firefox on Android", true],
        ["a browser on an unknown system", false],
      ],
    );
    const id = list[1]!.id;
    assert.equal((await other.post(`/devices/${id}/end`)).status, 404, "a visitor ends no session of a user");
    assert.equal((await laptop.get("/devices")).status, 200);
    await phone.post(`/devices/${id}/end`);
    assert.equal((await laptop.get("/devices")).status, 401);
    await laptop.post("/login");
    await phone.post("/devices/end-others");
    assert.deepEqual([(await laptop.get("/devices")).status, (await phone.get("/devices")).status], [401, 200]);
    const answers = [
      await (await clientOf(t, strict)).post("/login"),
      await (await clientOf(t, strict)).post("/login"),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 409],
    );
  },
  async "step-up"(t, { app }) {
    const client = await clientOf(t, app);
    const form = { password: "secret" };
    assert.equal((await client.get("/email")).headers.location, "/login");
    await client.post("/login", { form });
    assert.equal((await client.get("/email")).body, "a form for a new address");
    later(t, 6 * 60_000);
    assert.equal((await client.get("/email?change=1")).headers.location, "/confirm");
    const before = client.cookieHeader;
    assert.equal((await client.post("/confirm", { form: { password: "wrong" } })).status, 401);
    assert.equal((await client.post("/confirm", { form })).headers.location, "/email?change=1");
    assert.notEqual(client.cookieHeader, before);
    assert.equal((await client.get("/email")).status, 200);
    assert.equal((await client.post("/confirm", { form })).headers.location, "/", "the address is given once");
    assert.equal((await client.post("/confirm-key")).headers.location, "/");
  },
  async "remember-me"(t, { app }) {
    const [weeks, window] = [await clientOf(t, app), await clientOf(t, app)];
    const remembered = await weeks.post("/login", { form: { remember: "on" } });
    assert.match(remembered.cookie("session_id")!, /; Max-Age=2592000; /);
    assert.doesNotMatch((await window.post("/login", { form: {} })).cookie("session_id")!, /Max-Age/);
    later(t, 29 * 86_400_000);
    assert.deepEqual([(await weeks.get("/")).body, (await window.get("/")).body], ["ann", "visitor"]);
  },
  async "cart-before-login"(t, { app }) {
    const client = await clientOf(t, app);
    const add = async (item: string): Promise<string[]> => (await client.post("/cart", { form: { item } })).json();
    assert.deepEqual(await add("rope"), ["rope"]);
    const visitor = client.cookieHeader;
    assert.deepEqual((await client.post("/login")).json(), ["anchor", "rope"]);
    assert.notEqual(client.cookieHeader, visitor);
    assert.deepEqual(await add("wall-hook"), ["anchor", "rope", "wall-hook"]);
    await client.post("/logout");
    assert.deepEqual((await client.post("/login")).json(), ["anchor", "rope", "wall-hook"]);
  },
  async "api-tokens"(t, { app, sessions }, { api, tokens }) {
    const client = await clientOf(t, app);
    assert.equal((await client.post("/app/login", json({ password: "no" }))).status, 401);
    const login = await client.post("/app/login", json({ password: "secret", device: "Pixel" }));
    assert.deepEqual([login.setCookies, login.headers["cache-control"]], [[], "no-store"]);
    const bearer = { authorization: `Bearer ${login.json().token}` };
    const add = async (item: string): Promise<unknown> => {
      const { headers, body } = json({ item });
      const answer = await client.post("/cart", { headers: { ...headers, ...bearer }, body });
      assert.deepEqual(answer.setCookies, []);
      return answer.status === 200 ? answer.json() : answer.status;
    };
    assert.deepEqual([await add("rope"), await add("anchor")], [["rope"], ["rope", "anchor"]]);
    assert.equal((await sessions.store.listByOwner("ann"))[0].info.device, "Pixel");

    const { headers, body } = json({ name: "backup" });
    const made = await client.post("/account/tokens", { headers: { ...headers, ...bearer }, body });
    const of = { headers: { authorization: `Bearer ${made.json().token}` } };
    const program = await clientOf(t, api);
    assert.deepEqual((await program.get("/orders", of)).json(), { orders: [], of: "ann" });
    assert.equal(
      (await program.get("/orders", { headers: bearer })).status,
      401,
      "the app's token is of another store",
    );
    assert.equal((await client.get("/account/tokens", { headers: bearer })).json()[0].info.name, "backup");

    await client.post("/app/logout", { headers: bearer });
    assert.equal(await add("wall-hook"), 401);
    await sessions.store.deleteByOwner("ann");
    assert.equal((await program.get("/orders", of)).status, 200);
    await tokens.delete((await tokens.listByOwner("ann"))[0].id);
    assert.equal((await program.get("/orders", of)).status, 401);
  },
  async tenants(t, { shared }, { app }, { separate }) {
    const one = await clientOf(t, shared);
    const line = (await one.get("/", at("shop.example.com"))).cookie("__Secure-session_id")!;
    assert.match(line, /; Domain=example\.com; HttpOnly; SameSite=Lax; Secure$/);
    assert.deepEqual((await one.get("/", at("help.example.com"))).json(), { visits: 2 });
    const two = await clientOf(t, app);
    assert.match((await two.get("/", at("bank.example"))).cookie("session_id")!, /SameSite=Strict/);
    assert.match(
      (await (await clientOf(t, app)).get("/", at("shop.acme.example"))).cookie("session_id")!,
      /Domain=acme\.example/,
    );
    assert.equal((await two.get("/", at("evil.example"))).status, 421);
    const three = await clientOf(t, separate);
    assert.deepEqual((await three.get("/", at("acme.example"))).json(), { visits: 1 });
    assert.deepEqual((await three.get("/", at("acme.example"))).json(), { visits: 2 });
    assert.deepEqual((await three.get("/", at("bank.example"))).json(), { visits: 1 }, "the token of another tenant");
    assert.equal((await three.get("/", at("evil.example"))).status, 421);
  },
  async "background-jobs"(t, { app, sessions, work }, { countReading }) {
    const client = await clientOf(t, app);
    assert.deepEqual((await client.post("/report")).json(), { report: "begun" });
    assert.deepEqual(await work(), [true]);
    assert.deepEqual((await client.get("/report")).json(), { report: "ready" });
    const { id } = await sessions.store.getByToken(client.cookieHeader.split("=")[1]);
    await countReading(id);
    await countReading(id);
    assert.equal((await sessions.store.getById(id)).get("reportsRead"), 2);
    await client.post("/report");
    await sessions.store.delete(id);
    assert.deepEqual(await work(), [false]);
    await countReading(id);
  },
};

const ours: readonly Page[] = Object.keys(RUNS).map((name) => pageAt(`tasks/${name}`));
const tests = pageAt("tasks/tests");
const result = await compiled({}, [...ours, tests]);
after(result.remove);

test("the programs of the tasks compile", () => assert.equal(result.says, ""));

suite("the programs of the tasks do what their pages say", () => {
  for (const page of ours)
    test(page.name, async (t) => {
      const blocks: Module[] = [];
      for (const { run } of programsOf(page, result.directory)) blocks.push(await run());
      await RUNS[page.name]!(t, ...blocks);
    });
});

test("the tests on the page of tests pass, as a process of their own", async () => {
  const { NODE_TEST_CONTEXT: _context, ...environment } = process.env;
  const file = join(result.directory, `${moduleOf(tests)}-2.js`);
  const { output, code } = await run(process.execPath, ["--test", "--test-reporter=tap", file], environment);
  assert.equal(code, 0, output);
  assert.match(output, /^# pass 3$/m);
});
