/** Attributes of the cookie for each request: `cookie: (context) => ({ … })`. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import type { CookieOptions } from "holdfast";
import { cookieLine } from "#dist/cookie/cookie.js";
import { cookiePerRequest } from "#dist/cookie/per-request.js";
import { RequestSession } from "#dist/session/request-session.js";
import { openSession, readSession } from "#dist/session/lookup.js";
import { FakeHeaders, viewOf, World } from "../world.js";

const choosing = (names: readonly string[] = ["sid"]) =>
  cookiePerRequest((options: unknown) => options as CookieOptions, names);

test("what a function returns is validated as the options are; the error says what to write", () => {
  const wrong: [unknown, RegExp][] = [
    [undefined, /cookie is undefined; write \{ secure/],
    [null, /cookie is null/],
    ["a.test", /cookie is a string; write \{/],
    [[], /cookie is an array of 0/],
    [new Map(), /cookie is an object \(Map\)/],
    [Promise.resolve({}), /cookie returned a promise; it must be synchronous/],
    [Promise.reject(new Error("late")), /must be synchronous/],
    [{ name: "other" }, /cookie has no option "name"/],
    [{ maxAge: 1 }, /cookie has no option "maxAge"/],
    [{ domain: "a.test:8080" }, /cookie\.domain is "a\.test:8080"; write a domain/],
    [{ domain: "a.test, b.test" }, /cookie\.domain/],
    [{ domain: "a.test; Path=/x" }, /cookie\.domain/],
    [{ domain: "a.test\r\nSet-Cookie: x=1" }, /cookie\.domain/],
    [{ domain: ["a.test"] }, /cookie\.domain/],
    [{ domain: () => "a.test" }, /cookie\.domain/],
    [{ domain: null }, /cookie\.domain/],
    [{ path: "shop" }, /cookie\.path/],
    [{ path: "/;domain=string:a.test" }, /cookie\.path/],
    [{ sameSite: "other" }, /cookie\.sameSite/],
    [{ secure: "true" }, /cookie\.secure/],
    [{ secure: false, partitioned: true }, /cookie\.secure/],
    [{ httpOnly: 1 }, /cookie\.httpOnly/],
  ];
  const choose = choosing();
  for (const fine of [{}, { domain: "a.test" }, { path: "/", domain: "a.test" }]) choose([fine]);
  for (const [given, message] of wrong)
    for (let i = 0; i < 2; i++) assert.throws(() => choose([given]), { name: "TypeError", message }, String(message));
  class Options {
    domain = "a.test";
  }
  assert.throws(() => choose([new Options()]), /cookie is an object \(Options\)/, "an equal one was kept before");
});

test("a name with a prefix is checked for each result", () => {
  const choose = choosing(["__Host-sid"]);
  choose([{}]);
  assert.throws(() => choose([{ domain: "a.test" }]), /cookie\.domain is "a\.test"; write no domain/);
  assert.throws(() => choose([{ path: "/shop" }]), /cookie\.path/);
});

test("equal results are validated once; what is not certainly equal is validated anew", () => {
  const choose = choosing();
  const first = choose([{ domain: "a.test", secure: true }]);
  assert.equal(choose([{ domain: "a.test", secure: true }]), first);
  assert.notEqual(choose([{ domain: "b.test", secure: true }]), first);
  assert.notEqual(choose([{ domain: "a.test", secure: "auto" }]), choose([{ domain: "a.test", secure: true }]));
  const shared: CookieOptions = { path: "/a" };
  const before = choose([shared]);
  shared.path = "/b";
  assert.match(cookieLine("sid", "v", 1000, true, choose([shared])), /Path=\/b/);
  assert.match(cookieLine("sid", "v", 1000, true, before), /Path=\/a/);
});

test("only so many results are kept, whatever hosts strangers send", () => {
  const choose = choosing();
  const first = choose([{ domain: "t0.test" }]);
  for (let i = 1; i < 1000; i++) choose([{ domain: `t${i}.test` }]);
  assert.equal(choose([{ domain: "t0.test" }]), first);
  choose([{ domain: "t1000.test" }]);
  assert.notEqual(choose([{ domain: "t0.test" }]), first);
});

const byTenant = (tenant: string): CookieOptions => ({ domain: `${tenant}.test`, path: `/${tenant}` });

/** The Set-Cookie lines of one request, opened explicitly. */
async function linesOf(world: World, tenant: string, cookie: string | undefined, act: string): Promise<string[]> {
  const headers = new FakeHeaders();
  const view = viewOf({ ...(cookie !== undefined && { cookie }), host: `${tenant}.test` });
  const session = await openSession<any>(world.settings, [tenant], view, {}, headers);
  if (act === "write") session.set("n", 1);
  if (act === "destroy") await session.destroy();
  else await session.save();
  return [...headers.lines];
}

test("a new cookie, its refresh and its removal have the attributes of their request", async () => {
  const world = new World({ cookie: byTenant });
  for (const tenant of ["a", "b"]) {
    const tail = `; Path=/${tenant}; Domain=${tenant}.test; HttpOnly; SameSite=Lax; Secure`;
    const [line] = await linesOf(world, tenant, undefined, "write");
    assert.ok(line!.endsWith(tail), line);
    const cookie = line!.split(";")[0]!;
    world.clock.advance("10m");
    const [refreshed] = await linesOf(world, tenant, cookie, "save");
    assert.ok(refreshed!.startsWith(`${cookie}; Max-Age=`) && refreshed!.endsWith(tail), refreshed);
    const [removed] = await linesOf(world, tenant, cookie, "destroy");
    assert.ok(removed!.startsWith("session_id=; Max-Age=0; ") && removed!.endsWith(tail), removed);
  }
});

test("it is called once for each request that can carry a cookie, and for no other; storage calls stay", async () => {
  const asked: string[] = [];
  const world = new World({ cookie: (tenant: string) => (asked.push(tenant), byTenant(tenant)) });
  const plain = new World();
  const [line] = await linesOf(world, "a", undefined, "write");
  assert.deepEqual(asked, ["a"]);
  await linesOf(plain, "a", undefined, "write");
  assert.deepEqual(world.storage.counts, plain.storage.counts);
  const view = viewOf({ cookie: line!.split(";")[0]! });
  assert.equal((await readSession<any>(world.settings, world.store, view)).get("n"), 1);
  assert.deepEqual(asked, ["a"]);
});

test("options that are no function are validated when the middleware is made, and never again", () => {
  const { settings } = new World({ cookie: { domain: "a.test" } });
  assert.equal(settings.cookieFor, undefined);
  assert.equal(settings.cookie.domain, "a.test");
  assert.throws(() => new World({ cookie: { domain: "a.test:80" } }), /cookie\.domain/);
});

test("a cookie for a domain that the host is not in is warned of, once; where a proxy may have set the host it is not", async () => {
  const world = new World({ cookie: { domain: "shop.test" } });
  const write = async (host: string, headers = {}): Promise<void> => {
    const requestSession = new RequestSession(world.settings, world.store, viewOf({ host, headers }));
    (await requestSession.open()).set("n", 1);
    await requestSession.commit();
    requestSession.writeHeaders(new FakeHeaders());
  };
  const warnings: string[] = [];
  const note = ({ message }: Error): unknown => warnings.push(message);
  process.on("warning", note);
  for (const host of ["shop.test", "Shop.test:8443", "eu.shop.test", "localhost:3000", "127.0.0.1", "[::1]:3000"])
    await write(host);
  await write("backend", { "x-forwarded-host": "shop.test" });
  await new Promise(setImmediate);
  assert.deepEqual(warnings, []);
  const warned = once(process, "warning");
  await write("notshop.test");
  await write("other.test");
  await warned;
  await new Promise(setImmediate);
  process.off("warning", note);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /Domain=shop\.test .* browsers drop it/);
});
