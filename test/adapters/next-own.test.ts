import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { chain, fromCookie, fromHeader, fromQuery } from "holdfast";
import { session } from "holdfast/next";
import { seed } from "holdfast/testing";
import { root } from "../frameworks/packages.js";
import { codeOf } from "./world.js";

/** What needs no Next; test/frameworks has the applications that Next builds. */

interface Data {
  cart: string[];
}

const request = (headers: Readonly<Record<string, string>> = {}, method: string = "GET"): Request =>
  new Request("http://localhost/api/cart", { headers, method });

test("a route handler runs without Next, with a seeded session", async () => {
  const sessions = session<Data>();
  const GET = sessions.route((own) => Response.json({ owner: own.owner, cart: own.get("cart") }));
  const headers = await seed(sessions, { cart: ["rope"] }, { owner: "ann" });
  assert.deepEqual(await (await GET(request(headers), {})).json(), { owner: "ann", cart: ["rope"] });
});

test("what redirect() and notFound() throw in a route becomes a response with the cookie of a stored session", async () => {
  const { route, store } = session<Data>();
  const thrown = (digest: string): Error => Object.assign(new Error("NEXT"), { digest });
  for (const [digest, status, location] of [
    ["NEXT_REDIRECT;replace;/a;b?c=1;307;", 307, "/a;b?c=1"],
    ["NEXT_REDIRECT;push;https://example.com/;308;", 308, "https://example.com/"],
    ["NEXT_HTTP_ERROR_FALLBACK;404", 404, null],
    ["NEXT_HTTP_ERROR_FALLBACK;403", 403, null],
  ] as const) {
    const POST = route((own) => {
      own.set("cart", [digest]);
      throw thrown(digest);
    });
    const response = await POST(request({}, "POST"), {});
    assert.deepEqual([response.status, response.headers.get("location")], [status, location]);
    const [, token = ""] = /^session_id=([^;]+)/.exec(response.headers.getSetCookie()[0]!)!;
    assert.deepEqual((await store.getByToken(token))?.get("cart"), [digest]);
    assert.match(response.headers.get("cache-control")!, /no-store/);
  }
});

test("another exception of a route is thrown on", async () => {
  const { route } = session<Data>();
  const GET = route(() => {
    throw new RangeError("own");
  });
  await assert.rejects(GET(request(), {}), RangeError);
});

test("outside of Next, pages and actions have an error that says so", async () => {
  const { getSession, withSession } = session<Data>();
  assert.equal(await codeOf(() => getSession()), "unsupported");
  await assert.rejects(getSession(), /getSession\(\) works in a Next application only/);
  await assert.rejects(withSession(() => {})(), /withSession\(\) works in a Next application only/);
});

test("extractors that pages and actions cannot use are refused, with what to write instead", () => {
  assert.throws(() => session({ extractor: fromQuery("sid") }), /reads query "sid", which pages and actions/);
  assert.throws(
    () => session({ extractor: chain(fromCookie("sid"), fromHeader("x-sid")) }),
    /writes the header x-sid, which actions of Next cannot send/,
  );
});

test("without a storage, all modules of a process share one memory", async () => {
  const [one, other] = [session<Data>(), session<Data>()];
  const { token } = await one.store.create({ cart: ["rope"] });
  assert.deepEqual((await other.store.getByToken(token))?.get("cart"), ["rope"]);
});

test("proxy continues, refreshes what is due, and leaves requests that change something to their handlers", async () => {
  const sessions = session<Data>({ refreshInterval: 0 });
  const headers = await seed(sessions, {}, { owner: "ann" });
  const refreshed = await sessions.proxy(request(headers));
  assert.equal(refreshed.headers.get("x-middleware-next"), "1");
  assert.equal(refreshed.headers.getSetCookie().length, 1);
  assert.deepEqual((await sessions.proxy(request(headers, "POST"))).headers.getSetCookie(), []);
  assert.deepEqual((await sessions.proxy(request())).headers.getSetCookie(), []);
});

test("a guard in proxy reads the session and cannot change it", async () => {
  const sessions = session<Data>();
  const guard = sessions.proxy((own) => (own.owner === undefined ? new Response(null, { status: 401 }) : undefined));
  const headers = await seed(sessions, {}, { owner: "ann" });
  for (const method of ["GET", "POST"]) {
    assert.equal((await guard(request({}, method))).status, 401);
    assert.equal((await guard(request(headers, method))).headers.get("x-middleware-next"), "1");
    const writing = sessions.proxy((own) => {
      own.set("cart", []);
    });
    if (method === "POST") await assert.rejects(writing(request(headers, method)), { code: "unsupported" });
  }
});

test("in the bundle of a browser, session() throws and says where sessions are", () => {
  const program = `import { session } from "holdfast/next";
    try { session(); } catch ({ message }) { console.log(message); }`;
  const said = execFileSync(process.execPath, ["--conditions=browser", "--input-type=module", "-e", program], {
    cwd: root,
    encoding: "utf8",
  });
  assert.match(said, /a client component imports the module that calls session\(\)/);
});
