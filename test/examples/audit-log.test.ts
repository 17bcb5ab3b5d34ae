import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test, type TestContext } from "node:test";
import { Client } from "../support/client.js";
import { until } from "../support/within.js";
import { start, type Running } from "./running.js";

const INES = { form: { name: "ines", password: "tidewater" } };

interface Line {
  readonly when: string;
  readonly what: string;
  readonly reason?: string;
  readonly who: { readonly owner?: string; readonly session?: string; readonly before?: string };
  readonly where: Readonly<Record<string, unknown>>;
}

/** What was logged: every line the program printed, after the one that says where it listens. */
function linesOf({ printed }: Running): Line[] {
  const [, ...lines] = printed().trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Line);
}

async function begun(t: TestContext): Promise<{ running: Running; logged: (count: number) => Promise<Line[]> }> {
  const running = await start(t, "audit-log.js");
  const logged = async (count: number): Promise<Line[]> => {
    await until(`${count} lines`, () => linesOf(running).length >= count, 5000);
    assert.equal(linesOf(running).length, count);
    return linesOf(running);
  };
  return { running, logged };
}

test("login, refusal, logout and a late cookie are one line each, with when, what, who and where", async (t) => {
  const { running, logged } = await begun(t);
  const client = new Client(running.origin);
  await client.get("/");
  await client.post("/login", { form: { name: "ines", password: "guess" } });
  await client.post("/login", INES);
  const first = client.cookies.get("session_id")!;
  await client.post("/login", INES);
  const second = client.cookies.get("session_id")!;
  await client.post("/logout");
  client.cookies.set("session_id", second);
  await client.get("/");

  const lines = await logged(6);
  assert.deepEqual(
    lines.map(({ what, reason }) => [what, reason]),
    [
      ["login-refused", "credentials"],
      ["authenticated", undefined],
      ["renewed", undefined],
      ["authenticated", undefined],
      ["ended", "destroy"],
      ["absent", "unknown"],
    ],
  );
  const [, login, renewed, stepUp, ended, absent] = lines.map(({ who }) => who);
  assert.match(login!.session!, /^id_[\w-]{43}$/);
  assert.deepEqual(renewed, { owner: "user-1", session: stepUp!.session, before: login!.session });
  assert.deepEqual(ended, { owner: "user-1", session: stepUp!.session });
  assert.deepEqual(absent, { session: stepUp!.session });
  for (const { when, where } of lines) {
    assert.match(when, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const { service, host, process, address, method, path } = where;
    assert.deepEqual([service, host, process], ["shop", hostname(), running.process.pid]);
    assert.match(String(address), /127\.0\.0\.1$/);
    assert.ok(["GET /", "POST /login", "POST /logout"].includes(`${String(method)} ${String(path)}`));
  }
  for (const token of [first, second]) assert.ok(!running.printed().includes(token), "a token was logged");
});

test("log out everywhere is a line for each session", async (t) => {
  const { running, logged } = await begun(t);
  const [here, there] = [new Client(running.origin), new Client(running.origin)];
  await here.post("/login", INES);
  await there.post("/login", INES);
  await here.post("/logout-everywhere");
  const ended = (await logged(4)).filter(({ what }) => what === "ended");
  assert.deepEqual(
    ended.map(({ reason, who }) => [reason, who.owner]),
    [
      ["owner", "user-1"],
      ["owner", "user-1"],
    ],
  );
});

test("client data can never forge a line, and no password is in one", async (t) => {
  const { running, logged } = await begun(t);
  const client = new Client(running.origin);
  const forged = '{"what":"authenticated"}';
  await client.post("/login", {
    headers: { "user-agent": `x\u0085\u00a0 \u001b[2J"},${forged}`.replace("\u001b", "\u009b") },
    form: { name: `ines\n${forged}\u2028`, password: "secret-typed" },
  });
  await client.post(`/login?${encodeURIComponent(`\n${forged}`)}`, { form: { name: "a", password: "secret-typed" } });
  const lines = await logged(2);
  assert.deepEqual([...new Set(lines.map(({ what }) => what))], ["login-refused"]);
  assert.match(String(lines[0]!.where["agent"]), /\u0085.*authenticated/);
  assert.match(running.printed(), /^[\x20-\x7e\n]*$/);
  assert.ok(!running.printed().includes("secret-typed"));
});
