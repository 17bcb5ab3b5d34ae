import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { chain, fromCookie } from "holdfast";
import { session } from "holdfast/node";
import { memoryStorage } from "holdfast/storage/memory";
import { test } from "node:test";
import type { Stage, World } from "../adapters/world.js";
import { NOT_EXPRESSIBLE } from "../adapters/not-expressible.js";
import { within } from "../support/within.js";
import { acting, requestSession, onEveryAdapter, saidBy, valuesOf, wire } from "./everywhere.js";

/** Cookie headers as attackers, sibling domains and proxies make them, over real HTTP on every adapter. */

const NAME = "__Host-sid";

async function staged(world: World, options: object = {}): Promise<Stage & { token: string; other: string }> {
  const stage = await world.stage(acting, { session: { extractor: fromCookie(NAME), load: "lazy", ...options } });
  const [{ token }, { token: other }] = [
    await stage.app.sessions[0].store.create({ n: 1 }),
    await stage.app.sessions[0].store.create({ n: 7 }),
  ];
  stage.storage.forget();
  return Object.assign(stage, { token: token as string, other: other as string });
}

/**
 * What a Cookie header opens: the number in the session, "nothing", or "refused" where the server's parser takes no
 * such bytes.
 */
async function opened({ app }: Stage, ...cookies: readonly string[]): Promise<number | "nothing" | "refused"> {
  const answer = await requestSession(app.port, { lines: cookies.map((cookie) => `Cookie: ${wire(cookie)}`) });
  if (answer.status === 400) return "refused";
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual(valuesOf(answer, "Set-Cookie"), []);
  return saidBy(answer).n ?? "nothing";
}

onEveryAdapter(
  "attack 29: of several cookies of the name the first counts, whatever it is worth; an event reports it",
  async (world) => {
    const stage = await staged(world);
    const [one, two] = [`${NAME}=${stage.token}`, `${NAME}=${stage.other}`];
    const junk = `${NAME}=junk`;
    const expected: [cookies: string, opens: number | "nothing"][] = [
      [`${one}; ${two}`, 1],
      [`${two}; ${one}`, 7],
      [`${one}; ${junk}`, 1],
      [`${junk}; ${one}`, "nothing"],
      [`a=1; ${one}; b=2; ${one}; c=3`, 1],
      [`${NAME}=${"A".repeat(43)}; ${one}`, "nothing"],
      [`${NAME}="${stage.token}"; ${one}`, "nothing"],
    ];
    for (const [cookies, opens] of expected) assert.equal(await opened(stage, cookies), opens, cookies);
    assert.deepEqual(
      stage.events.map(({ type }) => type),
      expected.map(() => "duplicate"),
    );
  },
);

onEveryAdapter(
  "attack 120: a partitioned and an unpartitioned cookie of the name: the first counts, an event reports it",
  async (world) => {
    const stage = await staged(world, { cookie: { partitioned: true, sameSite: "none" } });
    assert.equal(await opened(stage, `${NAME}=${stage.token}; ${NAME}=${stage.other}`), 1);
    assert.equal(await opened(stage, `${NAME}=${stage.other}; ${NAME}=${stage.token}`), 7);
    assert.deepEqual(
      stage.events.map(({ type }) => type),
      ["duplicate", "duplicate"],
    );
  },
);

const SHADOWS = [
  "\u00a0__Host-sid",
  "\u2000__Host-sid",
  "\u2007__Host-sid",
  "\u3000__Host-sid",
  "\ufeff__Host-sid",
  "\u000b__Host-sid",
  "\u000c__Host-sid",
  "\u0085__Host-sid",
  "=__Host-sid",
  "%5F_Host-sid",
  "%5f%5fHost-sid",
  "__HOST-sid",
  "__host-sid",
  "__Host-SID",
  "__Host-sid\u00a0",
  '"__Host-sid"',
  "__Host-sid[]",
  "\u200b__Host-sid",
];

onEveryAdapter(
  "attack 30: a cookie whose name looks like ours is another cookie; the genuine one is used",
  async (world) => {
    const stage = await staged(world);
    for (const name of SHADOWS) {
      const shadow = `${name}=${stage.other}`;
      for (const [cookies, opens] of [
        [`${shadow}; ${NAME}=${stage.token}`, 1],
        [`${NAME}=${stage.token}; ${shadow}`, 1],
        [shadow, "nothing"],
      ] as const) {
        const found = await opened(stage, cookies);
        if (found !== "refused") assert.equal(found, opens, JSON.stringify(cookies));
      }
    }
    assert.equal(
      await opened(stage, `${NAME} =${stage.token}`),
      1,
      "a blank after the name is none of it, as RFC 6265 says",
    );
    assert.deepEqual(stage.events, []);
  },
);

onEveryAdapter(
  "attack 31: no quoted string reaches across a semicolon, and $Version is a cookie like any other",
  async (world) => {
    const stage = await staged(world);
    assert.equal(await opened(stage, `$Version=1; ${NAME}="${stage.token}; x=b"`), "nothing");
    assert.equal(await opened(stage, `$Version=1; ${NAME}=${stage.token}; $Path=/`), 1);
    assert.equal(await opened(stage, `other="a; ${NAME}=${stage.token}; b"`), 1);
    assert.equal(await opened(stage, `other="a; ${NAME}=x\\"; ${NAME}=${stage.token}`), "nothing");
    assert.equal(await opened(stage, `${NAME}="${stage.token}"`), "nothing");
  },
);

onEveryAdapter(
  "attack 32: cookies named like properties of every object are harmless, and may even be ours",
  async (world) => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"]) {
      const stage = await staged(world, { extractor: fromCookie(name) });
      assert.equal(await opened(stage, `${name}=${stage.token}`), 1, name);
      assert.equal(await opened(stage, "other=1"), "nothing", name);
      assert.equal(
        await opened(stage, `${name}=x; __proto__[admin]=1; constructor=${stage.token}x`),
        "nothing",
        name,
      );
    }
    assert.equal(({} as { admin?: unknown }).admin, undefined);
  },
);

onEveryAdapter(
  "attack 34: a Cookie header in two fields is one; joined with a comma it brings no token",
  async (world) => {
    const stage = await staged(world);
    assert.equal(await opened(stage, "a=1", `${NAME}=${stage.token}`, "b=2"), 1);
    assert.equal(await opened(stage, `${NAME}=${stage.token}`, `${NAME}=${stage.other}`), 1);
    assert.equal(await opened(stage, `${NAME}=${stage.token}, b=2`), "nothing");
    assert.equal(await opened(stage, `a=1, ${NAME}=${stage.token}`), "nothing");
  },
);

onEveryAdapter(
  "attack 34: HTTP/2 sends each cookie in a field of its own: the same result",
  async (world) => {
    const stage = await world.stage(acting, {
      isHttp2: true,
      session: { extractor: fromCookie(NAME), load: "lazy" },
    });
    const { token } = await stage.app.sessions[0].store.create({ n: 1 });
    assert.match(await overHttp2(stage.app.port, ["a=1", `${NAME}=${token}`, "b=2"]), /"n":1/);
    assert.doesNotMatch(await overHttp2(stage.app.port, [`${NAME}=junk`, `${NAME}=${token}`]), /"n":1/);
    assert.deepEqual(
      stage.events.map(({ type }) => type),
      ["duplicate"],
    );
  },
  NOT_EXPRESSIBLE["HTTP/2: plain, HEAD and streamed responses, with the cookies of the session and the handler"],
);

async function overHttp2(port: number, cookie: string[]): Promise<string> {
  const connection = connectHttp2(`http://localhost:${port}`);
  try {
    const stream = connection.request({ ":path": "/act", cookie } as never);
    const body = new Promise<string>((resolve, reject) => {
      let text = "";
      connection.on("error", reject);
      stream
        .setEncoding("utf8")
        .on("data", (data: string) => (text += data))
        .on("end", () => resolve(text))
        .on("error", reject);
    });
    return await within(30_000, "the HTTP/2 answer", body);
  } finally {
    connection.destroy();
  }
}

onEveryAdapter(
  "attack 35: invalid percent sequences and invalid UTF-8 in the value, or around it: anonymous, never an error",
  async (world) => {
    const stage = await staged(world);
    for (const value of [
      "%",
      "%z",
      "%zz",
      "%e0%a4%a",
      "%ff",
      "%c0%ae",
      "\u00ff\u00fe",
      "\u00c0\u00ae",
      "\u00ed\u00a0\u0080",
      `${stage.token}%`,
      `%${stage.token}`,
    ]) {
      assert.equal(await opened(stage, `${NAME}=${value}`), "nothing", value);
      assert.equal(await opened(stage, `other=${value}; ${NAME}=${stage.token}`), 1, value);
    }
    assert.deepEqual(stage.app.errors, []);
  },
);

onEveryAdapter(
  "attack 116: the genuine cookie is pushed out of the jar: the visitor is anonymous, and no other name is accepted in its place",
  async (world) => {
    const stage = await staged(world);
    for (const name of [
      "sid",
      "__Secure-sid",
      "session_id",
      "__Host-session_id",
      "_Host-sid",
      "Host-sid",
      "__Host_sid",
    ])
      assert.equal(await opened(stage, `${name}=${stage.other}`), "nothing", name);
    assert.deepEqual(stage.storage.calls, []);
  },
);

onEveryAdapter(
  "attack 117: a prefixed name stands for itself alone, in development as in production, and over plain http",
  async (world) => {
    const before = process.env.NODE_ENV;
    try {
      for (const mode of ["production", "development", undefined]) {
        if (mode === undefined) delete process.env.NODE_ENV;
        else process.env.NODE_ENV = mode;
        const stage = await staged(world);
        assert.equal(await opened(stage, `sid=${stage.token}`), "nothing", mode);
        const written = await requestSession(stage.app.port, { method: "PUT" });
        const lines = valuesOf(written, "Set-Cookie");
        assert.equal(lines.length, 1);
        assert.match(lines[0]!, /^__Host-sid=[\w-]{43}; .*; Secure$/);
      }
    } finally {
      if (before === undefined) delete process.env.NODE_ENV;
      else process.env.NODE_ENV = before;
    }
  },
);

test("attack 117: a chain of a prefixed cookie and the same name without the prefix is refused when the middleware is created", () => {
  const storage = memoryStorage();
  for (const [one, two] of [
    ["__Host-sid", "sid"],
    ["sid", "__Host-sid"],
    ["__Secure-sid", "sid"],
    ["__host-sid", "sid"],
    ["__Host-sid", "__Secure-sid"],
  ] as const) {
    assert.throws(
      () => session({ storage, extractor: chain(fromCookie(one), fromCookie(two)) }),
      { name: "TypeError", message: /__(Host|Secure)-sid|__host-sid/ },
      `${one} and ${two}`,
    );
  }
  session({ storage, extractor: chain(fromCookie("__Host-sid"), fromCookie("old_sid")) });
});

/** Plain http to this machine, as the server sees it. */
const FORWARDING = [
  "X-Forwarded-Proto: http",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Host: localhost",
  "X-Forwarded-For: 127.0.0.1",
  "Forwarded: proto=http;host=localhost",
  "Via: 1.1 proxy",
];
const ELSEWHERE = [
  "shop.example",
  "localhost.evil.example",
  "127.0.0.1.evil.example",
  "localhost@evil.example",
  "[::2]",
  "0.0.0.0",
  "localhost:80:80",
];

onEveryAdapter(
  "attack 41: forged forwarding headers and hosts take no Secure away; plain http to a loopback name alone goes without",
  async (world) => {
    const stage = await world.stage(acting, { session: { load: "lazy" } });
    const isSecure = async (host: string, lines: readonly string[] = []): Promise<boolean> => {
      const answer = await requestSession(stage.app.port, { method: "PUT", lines }, host);
      const [line] = valuesOf(answer, "Set-Cookie");
      return answer.status === 400 || /; Secure(;|$)/.test(line!);
    };
    for (const host of ["localhost", "localhost:8080", "127.0.0.1", "[::1]:80", "shop.localhost"])
      assert.equal(await isSecure(host), false, host);
    for (const line of FORWARDING) assert.equal(await isSecure("localhost", [line]), true, line);
    for (const host of ELSEWHERE)
      for (const lines of [[], FORWARDING.slice(0, 1)])
        if (!isUnreadable(world, host)) assert.equal(await isSecure(host, lines), true, host);
  },
);

/** Hosts that are no part of an address: a fetch server has no request to show for them. */
function isUnreadable({ adapter }: World, host: string): boolean {
  return (
    (adapter.name === "fetch" || adapter.name === "hono") && (host.includes("@") || !URL.canParse(`http://${host}/`))
  );
}
