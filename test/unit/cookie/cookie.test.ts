import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCookie } from "cookie";
import fc from "fast-check";
import {
  readCookie,
  cookieLine,
  cookieName,
  cookieSettings,
  maxAge,
  type CookieOptions,
} from "#dist/cookie/cookie.js";
import { session } from "holdfast/node";
import { fromCookie } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { CountedText } from "../../attacks/fuzz/counted.js";
import { World } from "../world.js";

const read = (header: string | undefined, name = "__Host-sid"): string | undefined => readCookie(header, name).first;
const line = (
  options: CookieOptions = {},
  name = "sid",
  value = "v",
  lifetime: number | undefined = 60_000,
  secure = true,
): string => cookieLine(name, value, lifetime, secure, cookieSettings(options, [name]));

// reading

test("the reader agrees with the cookie package wherever that decodes nothing", () => {
  const name = fc.constantFrom("sid", "sid2", "a", "SID", "__proto__", "constructor");
  const text = fc
    .string({ unit: fc.constantFrom(..."abc019-_.~!#$&'()*+/:<>?@[]^`{|} \t"), maxLength: 8 })
    .filter((value) => !/^"|"$/.test(value));
  const pair = fc.oneof(
    fc.tuple(name, text).map(([key, value]) => `${key}=${value}`),
    text.filter((value) => !value.includes("=")),
  );
  const header = fc
    .array(pair, { maxLength: 6 })
    .chain((pairs) => fc.constantFrom("; ", ";", " ; ", ";\t").map((by) => pairs.join(by)));
  fc.assert(
    fc.property(header, name, (sent, wanted) =>
      assert.equal(read(sent, wanted), parseCookie(sent, { decode: (value) => value })[wanted]),
    ),
    { numRuns: 3000 },
  );
});

test("an empty header, none, and a name that is not there", () => {
  for (const header of [undefined, "", ";", ";;;", "=", "=x", "other=1", "__Host-sid", "__Host-sid;"])
    assert.deepEqual(readCookie(header, "__Host-sid"), { first: undefined, count: 0 }, header);
});

test("attack 29: of several cookies of the name the first counts, and they are counted", () => {
  assert.deepEqual(readCookie("a=1; sid=one; sid=two; b=2; sid=", "sid"), { first: "one", count: 3 });
  assert.deepEqual(readCookie("sid=; sid=two", "sid"), { first: "", count: 2 });
});

test("attack 30: look-alikes of a name are other cookies", () => {
  const genuine = "genuine";
  for (const shadow of [
    "\u00a0__Host-sid",
    "\u2000__Host-sid",
    "\ufeff__Host-sid",
    "\u000b__Host-sid",
    "\u000c__Host-sid",
    "\u0085__Host-sid",
    "=__Host-sid",
    "%5F_Host-sid",
    "__HOST-sid",
    "__host-sid",
    "__Host-sid\u00a0",
    "x__Host-sid",
    "__Host-sidx",
    "__Host-sid[]",
    '"__Host-sid"',
  ]) {
    assert.deepEqual(
      readCookie(`${shadow}=evil; __Host-sid=${genuine}`, "__Host-sid"),
      { first: genuine, count: 1 },
      JSON.stringify(shadow),
    );
    assert.equal(read(`${shadow}=evil`), undefined, JSON.stringify(shadow));
  }
  assert.equal(read("__Host-sid =x"), "x", "blank and tab around a name are dropped, as RFC 6265 says");
});

test("attack 31: no quoted string reaches across a semicolon", () => {
  assert.equal(read('$Version=1; __Host-sid="a; x=b"'), '"a');
  assert.equal(read('other="a; __Host-sid=inside; b"; __Host-sid=after'), "inside");
  assert.equal(read('__Host-sid="quoted"'), '"quoted"', "quotes are part of the value: no token has them");
});

test("attack 32: names of every object's properties are nothing special", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"]) {
    assert.equal(read("a=1", name), undefined);
    assert.equal(read(`${name}=x`, name), "x");
  }
});

test("attack 33: 64 KB of anything is read in a few steps for each character", () => {
  const size = 65_536;
  const many = Array.from({ length: 100_000 }, (_, i) => `k${i}=v`).join("; ") + "; sid=x";
  const headers = [
    ";".repeat(size),
    '"'.repeat(size),
    "\\".repeat(size),
    "=".repeat(size),
    " ".repeat(size),
    "sid".repeat(size / 3),
    "sid=;".repeat(size / 5),
    "sid =".repeat(size / 5),
    "sid;".repeat(size / 4),
    `${" ".repeat(size)}sid=x`,
    "\t ;".repeat(size / 3),
    many,
  ];
  for (const header of headers) {
    const counted = new CountedText(header);
    assert.deepEqual(readCookie(counted as unknown as string, "sid"), readCookie(header, "sid"));
    assert.ok(
      counted.steps <= 8 * header.length,
      `${counted.steps} steps for ${header.length} characters of ${header.slice(0, 12)}`,
    );
  }
  assert.equal(read(many, "sid"), "x");
});

test("attacks 22, 35: nothing is percent-decoded, and no damage throws", () => {
  for (const value of ["%2e%2e", "%252e", "%", "%zz", "%c0%ae", "\ufffd", "\u0000", "a%00b"])
    assert.equal(read(`sid=${value}`, "sid"), value);
});

test("attack 34: a comma is part of a value, so that a header joined by a proxy yields no token", () => {
  assert.equal(read("sid=one, sid=two", "sid"), "one, sid=two");
});

// writing

test("the default line", () => {
  assert.equal(line(), "sid=v; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure");
});

test("every attribute", () => {
  const options: [CookieOptions, RegExp][] = [
    [{ httpOnly: false }, /^(?!.*HttpOnly)/],
    [{ sameSite: "strict" }, /; SameSite=Strict(;|$)/],
    [{ sameSite: "None" }, /; SameSite=None(;|$)/],
    [{ path: "/app" }, /; Path=\/app;/],
    [{ domain: "example.com" }, /; Domain=example\.com;/],
    [{ domain: ".example.com" }, /; Domain=\.example\.com;/],
    [{ sessionOnly: true }, /^(?!.*Max-Age)/],
    [{ partitioned: true }, /; Partitioned(;|$)/],
    [{ priority: "high" }, /; Priority=High(;|$)/],
    [{ priority: "low" }, /; Priority=Low(;|$)/],
  ];
  for (const [option, expected] of options) assert.match(line(option), expected, JSON.stringify(option));
});

test("attack 40: a removal repeats name, path, domain, prefix and flags, so that browsers take it for the same cookie", () => {
  const options: CookieOptions = {
    path: "/app",
    domain: "example.com",
    sameSite: "none",
    partitioned: true,
    priority: "high",
    sessionOnly: true,
  };
  const settings = cookieSettings(options, ["sid"]);
  assert.equal(
    cookieLine("sid", "", undefined, true, settings),
    "sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/app; Domain=example.com; HttpOnly; SameSite=None; Partitioned; Priority=High; Secure",
  );
});

test("sameSite none, partitioned, and names with a prefix are always Secure", () => {
  assert.equal(cookieSettings({}, ["sid"]).secure, "auto");
  assert.equal(cookieSettings({ sameSite: "none", secure: false }, ["sid"]).secure, true);
  assert.equal(cookieSettings({ partitioned: true }, ["sid"]).secure, true);
  for (const name of ["__Host-sid", "__Secure-sid", "__host-sid", "__SECURE-sid", "__Http-sid", "__Host-Http-sid"])
    assert.equal(cookieSettings({}, [name]).secure, true, name);
});

test("attack 117: a name with a prefix that breaks its rule is refused, naming option and rule", () => {
  const refused: [CookieOptions, string, RegExp][] = [
    [{ secure: false }, "__Host-sid", /cookie\.secure is false.*__Host-sid.*Secure/],
    [{ secure: false }, "__Secure-sid", /cookie\.secure is false/],
    [{ secure: false }, "__HOST-sid", /cookie\.secure is false/],
    [{ domain: "example.com" }, "__Host-sid", /cookie\.domain is "example\.com"; write no domain/],
    [{ path: "/app" }, "__Host-sid", /cookie\.path is "\/app"; write "\/"/],
    [{ path: "/app" }, "__host-sid", /cookie\.path/],
    [{ secure: false }, "__Http-sid", /cookie\.secure is false/],
    [
      { httpOnly: false },
      "__Http-sid",
      /cookie\.httpOnly is false; write true: the name __Http-sid tells browsers to require a cookie that scripts cannot read/,
    ],
    [{ httpOnly: false }, "__Host-Http-sid", /cookie\.httpOnly is false/],
    [{ path: "/app" }, "__Host-Http-sid", /cookie\.path/],
    [{ secure: false, partitioned: true }, "sid", /cookie\.secure is false.*partitioned/],
  ];
  for (const [options, name, message] of refused)
    assert.throws(() => cookieSettings(options, [name]), { name: "TypeError", message }, name);
  cookieSettings({ domain: "example.com", path: "/app" }, ["__Secure-sid"]);
});

test("attack 38: attributes that would break the header are refused at construction", () => {
  const bad = [
    ";",
    ",",
    "\r",
    "\n",
    "\0",
    "\t",
    " ",
    "\u007f",
    "é",
    "\u2028",
    "a\r\nSet-Cookie: x=y",
    "a; Domain=evil.example",
  ];
  for (const text of bad) {
    assert.throws(() => cookieName("fromCookie", `s${text}id`), TypeError, `name ${JSON.stringify(text)}`);
    assert.throws(
      () => cookieSettings({ domain: `example${text}.com` }, ["sid"]),
      TypeError,
      `domain ${JSON.stringify(text)}`,
    );
    assert.throws(
      () => cookieSettings({ sameSite: `lax${text}` as never }, ["sid"]),
      TypeError,
      `sameSite ${JSON.stringify(text)}`,
    );
    assert.throws(
      () => cookieSettings({ priority: `high${text}` as never }, ["sid"]),
      TypeError,
      `priority ${JSON.stringify(text)}`,
    );
    if (!/[, ]/.test(text))
      assert.throws(() => cookieSettings({ path: `/a${text}` }, ["sid"]), TypeError, `path ${JSON.stringify(text)}`);
  }
  for (const path of [
    "",
    "app",
    "./app",
    "a/b",
    "/".repeat(1025),
    "/a;b",
    "/a b",
    '/a"b',
    "/a\\b",
    "/a?b",
    "/a#b",
    "/a^b",
  ])
    assert.throws(() => cookieSettings({ path }, ["sid"]), TypeError, path);
  for (const domain of [
    "",
    ".",
    "-a.com",
    "a-.com",
    "a..com",
    "http://a.com",
    "a.com/",
    "a.com:80",
    "*.a.com",
    "a".repeat(254),
    `${"a.".repeat(127)}com`,
  ])
    assert.throws(() => cookieSettings({ domain }, ["sid"]), TypeError, domain);
  for (const name of ["", "a b", "a=b", "a;b", '"a"', "(a)", "a/b", "a@b", "x".repeat(257)])
    assert.throws(() => cookieName("fromCookie", name), { name: "TypeError", message: /fromCookie is/ }, name);
  for (const name of [5, null, undefined, {}, ["sid"]])
    assert.throws(() => cookieName("fromCookie", name), TypeError);
});

test("options of a wrong type are refused by name", () => {
  const bad: Record<string, unknown> = {
    secure: "yes",
    httpOnly: 1,
    sameSite: true,
    partitioned: "true",
    sessionOnly: "no",
    priority: 1,
    path: 5,
    domain: 5,
  };
  for (const [option, value] of Object.entries(bad))
    assert.throws(
      () => cookieSettings({ [option]: value }, ["sid"]),
      { name: "TypeError", message: new RegExp(`cookie\\.${option}`) },
      option,
    );
  assert.throws(
    () => cookieSettings({ HttpOnly: true } as never, ["sid"]),
    /no option "HttpOnly" \(did you mean "httpOnly"\?\)/,
  );
  assert.throws(() => cookieSettings({ maxAge: 5 } as never, ["sid"]), /no option "maxAge"/);
});

test("attack 39: Max-Age is whole seconds between one and 400 days, whatever comes in", () => {
  const expected: [number, number][] = [
    [0, 1],
    [-1, 1],
    [-Infinity, 1],
    [Number.NaN, 1],
    [1, 1],
    [999, 1],
    [1999, 1],
    [2000, 2],
    [1_800_000, 1800],
    [2 ** 53, 34_560_000],
    [Infinity, 34_560_000],
    [400 * 86_400_000 + 1, 34_560_000],
  ];
  for (const [lifetime, seconds] of expected) assert.equal(maxAge(lifetime), seconds, String(lifetime));
  assert.doesNotMatch(line({}, "sid", "v", 1e300), /[e+]\d|NaN|Infinity/);
});

test("attack 37: name and value of 4096 bytes are written, one more throws before any header", () => {
  assert.equal(line({}, "sid", "v".repeat(4093)).split(";")[0]!.length, 4097);
  assert.throws(() => line({}, "sid", "v".repeat(4094)), {
    name: "RangeError",
    message: /cookie sid .*at most 4096/,
  });
});

test("the line is one that browsers and the cookie package read back", () => {
  const [pair] = line({}, "sid", "AbC-_09.~").split("; ");
  assert.deepEqual({ ...parseCookie(pair!) }, { sid: "AbC-_09.~" });
});

// secure: "auto"

const LOCAL = [
  "localhost",
  "localhost:3000",
  "LOCALHOST:3000",
  "shop.localhost",
  "127.0.0.1",
  "127.1.2.3:8080",
  "[::1]:3000",
];
const ELSEWHERE = [
  "example.com",
  "localhost.example.com",
  "127.0.0.1.example.com",
  "1127.0.0.1",
  "[::2]",
  "0.0.0.0",
  "localhost:3000@evil.example",
  "localhost evil",
  "localhost:",
  "",
  "evil-localhost",
  "127.0.0",
  "192.168.1.2",
];

async function isSecureFor(asked: object, cookie?: CookieOptions): Promise<boolean> {
  const world = new World(cookie ? { cookie } : {});
  const { cookies } = await world.client().ask((s) => s.set("n", 1), asked);
  return /; Secure(;|$)/.test(cookies[0]!);
}

test('attack 41: secure "auto" is Secure, except over plain http to a loopback name with no proxy between', async () => {
  for (const host of LOCAL) assert.equal(await isSecureFor({ host, encrypted: false }), false, host);
  for (const host of ELSEWHERE) assert.equal(await isSecureFor({ host, encrypted: false }), true, host);
  for (const host of [...LOCAL, ...ELSEWHERE]) assert.equal(await isSecureFor({ host, encrypted: true }), true, host);
  for (const header of ["x-forwarded-proto", "x-forwarded-for", "x-forwarded-host", "forwarded", "via"]) {
    for (const value of ["http", "https", "for=1.2.3.4;proto=http"])
      assert.equal(
        await isSecureFor({ host: "localhost", encrypted: false, headers: { [header]: value } }),
        true,
        `${header}: ${value}`,
      );
  }
});

/** What a browser sends with every request, and what it adds where a page asks. */
const BROWSER = {
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64)",
  "sec-fetch-site": "none",
  connection: "keep-alive",
};
const OLD_BROWSER = { "user-agent": "Mozilla/5.0 (Macintosh)", connection: "keep-alive" };
const { connection: _hop, ...PASSED_ON } = BROWSER;
const page = (site: string, headers: Record<string, string>): Record<string, string> => ({
  ...BROWSER,
  "sec-fetch-site": site,
  ...headers,
});

/** What reaches a server at a loopback host over plain http, and whether the cookie is Secure. */
const ARRIVALS: readonly (readonly [
  what: string,
  asked: { headers?: Record<string, string>; version?: string },
  isSecure: boolean,
])[] = [
  ["a browser's first visit", { headers: BROWSER }, false],
  ["the same, and the runtime tells the version", { headers: BROWSER, version: "1.1" }, false],
  ["an old browser", { headers: OLD_BROWSER }, false],
  ["Firefox upgrading to a socket", { headers: { ...BROWSER, connection: "keep-alive, Upgrade" } }, false],
  ["curl", { headers: { "user-agent": "curl/8.5.0" }, version: "1.1" }, false],
  ["a test's client", { headers: { connection: "close" }, version: "1.1" }, false],
  ["Node's fetch", { headers: { "user-agent": "node", "sec-fetch-mode": "cors", connection: "keep-alive" } }, false],
  [
    "a form, or a script's request, of a page of its own",
    { headers: page("same-origin", { origin: "http://localhost:3000" }) },
    false,
  ],
  ["a link on a page of its own", { headers: page("same-origin", { referer: "http://127.0.0.1:3000/a" }) }, false],
  ["a page of another port", { headers: page("same-site", { origin: "http://localhost:5173" }) }, false],
  [
    "a page of its own, through a development server's proxy",
    { headers: { ...page("same-origin", { referer: "http://localhost:5173/" }), connection: "close" } },
    false,
  ],
  ["a page of its own that says nothing of itself", { headers: page("same-origin", { origin: "null" }) }, false],
  ["a link on another site", { headers: page("cross-site", { referer: "https://docs.example/" }) }, false],
  [
    "a form posted by another site, as after signing in there",
    { headers: page("cross-site", { origin: "https://accounts.example" }) },
    false,
  ],
  [
    "Next's development server",
    {
      headers: {
        ...BROWSER,
        "x-forwarded-proto": "http",
        "x-forwarded-host": "localhost:3000",
        "x-forwarded-for": "::1",
        "x-forwarded-port": "3000",
      },
    },
    false,
  ],
  [
    "the same on an address of IPv4",
    {
      headers: {
        ...BROWSER,
        "x-forwarded-proto": "http",
        "x-forwarded-host": "127.0.0.1:3000",
        "x-forwarded-for": "::ffff:127.0.0.1",
      },
    },
    false,
  ],

  ["nginx in its plainest configuration", { headers: { ...BROWSER, connection: "close" }, version: "1.0" }, true],
  ["the same, asked by curl", { headers: { "user-agent": "curl/8.5.0", connection: "close" }, version: "1.0" }, true],
  ["nginx, HTTP/1.1", { headers: { ...BROWSER, connection: "close" }, version: "1.1" }, true],
  ["nginx with kept connections, HAProxy, Caddy, Envoy", { headers: PASSED_ON, version: "1.1" }, true],
  ["nginx as its page on WebSocket has it", { headers: { ...BROWSER, connection: "upgrade" }, version: "1.1" }, true],
  ["HTTP/2 without TLS", { headers: PASSED_ON, version: "2.0" }, true],
  [
    "a form of a page over https, through a proxy that hides itself",
    { headers: page("same-origin", { origin: "https://shop.example" }) },
    true,
  ],
  [
    "a link of a page over https, the same",
    { headers: page("same-origin", { referer: "https://shop.example/a" }) },
    true,
  ],
  ["a page of a subdomain", { headers: page("same-site", { origin: "https://www.shop.example" }) }, true],
  ["a page over https on this machine", { headers: page("same-origin", { origin: "https://localhost:8443" }) }, true],
  ["a page over plain http elsewhere", { headers: page("same-origin", { origin: "http://shop.example" }) }, true],
  ["an old browser's form", { headers: { ...OLD_BROWSER, origin: "https://shop.example" } }, true],
  ["an old browser's link", { headers: { ...OLD_BROWSER, referer: "https://shop.example/" } }, true],
  [
    "a page whose address only looks like one of this machine",
    { headers: page("same-origin", { origin: "http://localhost.evil.example" }) },
    true,
  ],
  [
    "a page of user localhost",
    { headers: page("same-origin", { referer: "http://localhost:80@evil.example/" }) },
    true,
  ],
  [
    "an old browser's page on this machine, through nginx: it may be another site",
    { headers: { ...OLD_BROWSER, connection: "close", origin: "http://localhost:5173" } },
    true,
  ],
  ...[
    "forwarded",
    "via",
    "x-real-ip",
    "x-forwarded-ssl",
    "x-forwarded-scheme",
    "front-end-https",
    "x-arr-ssl",
    "cdn-loop",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-for",
  ].map((name) => [`a proxy that sends ${name}`, { headers: { ...BROWSER, [name]: "127.0.0.1" } }, true] as const),
  [
    "a proxy that says https",
    {
      headers: {
        ...BROWSER,
        "x-forwarded-proto": "https",
        "x-forwarded-host": "localhost:3000",
        "x-forwarded-for": "127.0.0.1",
      },
    },
    true,
  ],
  [
    "a proxy that says https first",
    {
      headers: {
        ...BROWSER,
        "x-forwarded-proto": "https,http",
        "x-forwarded-host": "localhost:3000",
        "x-forwarded-for": "127.0.0.1",
      },
    },
    true,
  ],
  [
    "a second proxy that does not know of the first",
    {
      headers: {
        ...BROWSER,
        "x-forwarded-proto": "http",
        "x-forwarded-host": "127.0.0.1:3000",
        "x-forwarded-for": "203.0.113.7, 127.0.0.1",
      },
    },
    true,
  ],
  [
    "a tunnel that keeps the public name",
    {
      headers: {
        ...BROWSER,
        "x-forwarded-proto": "http",
        "x-forwarded-host": "abc.tunnel.example",
        "x-forwarded-for": "127.0.0.1",
      },
    },
    true,
  ],
  [
    "Next behind nginx in its plainest configuration",
    {
      headers: {
        ...BROWSER,
        connection: "close",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "127.0.0.1:3000",
        "x-forwarded-for": "127.0.0.1",
      },
    },
    true,
  ],
];

for (const [what, asked, isSecure] of ARRIVALS) {
  test(`attack 41: ${what}: ${isSecure ? "Secure" : "not Secure"}`, async () => {
    for (const host of ["localhost:3000", "127.0.0.1:3000", "[::1]:3000"])
      assert.equal(await isSecureFor({ ...asked, host, encrypted: false }), isSecure, host);
    for (const host of ["shop.example", "192.168.1.2:3000", "10.0.0.7"])
      assert.equal(await isSecureFor({ ...asked, host, encrypted: false }), true, host);
    assert.equal(await isSecureFor({ ...asked, host: "localhost:3000", encrypted: true }), true);
  });
}

test("secure true and false are what they say, and removal has the flag of the cookie", async () => {
  for (const encrypted of [true, false]) {
    assert.equal(await isSecureFor({ host: "localhost", encrypted }, { secure: true }), true);
    assert.equal(await isSecureFor({ host: "example.com", encrypted }, { secure: false }), false);
  }
  const world = new World();
  const { token } = await world.store.create({ n: 1 });
  const { cookies } = await world.client().ask((s) => s.destroy(), { cookie: `session_id=${token}` });
  assert.match(cookies[0]!, /Max-Age=0;.*; Secure$/);
});

test("attack 41: a __Host- cookie is Secure everywhere", async () => {
  const world = new World({ extractor: fromCookie("__Host-sid") });
  const { cookies } = await world.client().ask((s) => s.set("n", 1), { host: "localhost", encrypted: false });
  assert.match(cookies[0]!, /^__Host-sid=.*; Path=\/;.*; Secure$/);
});

test("the options are validated when the middleware is created", () => {
  const storage = memoryStorage();
  assert.throws(() => session({ storage, extractor: fromCookie("__Host-sid"), cookie: { path: "/app" } }), TypeError);
  assert.throws(() => session({ storage, cookie: { maxAge: 5 } as never }), TypeError);
});

test("attack 42: a cookie and its removal name exactly the path that was configured: nothing is normalised, so the browser's path-match is the only judge", () => {
  for (const path of ["/app", "/app/", "/app/../x", "//app", "/App", "/a%2fb", "/app."]) {
    assert.ok(line({ path }).split("; ").includes(`Path=${path}`), path);
    assert.ok(
      cookieLine("sid", "", undefined, true, cookieSettings({ path }, ["sid"]))
        .split("; ")
        .includes(`Path=${path}`),
      path,
    );
  }
});
