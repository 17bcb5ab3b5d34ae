/** Which requests `crossOriginProtection` refuses: methods, headers and origins, each with each. */
import assert from "node:assert/strict";
import { IncomingMessage, type ServerResponse } from "node:http";
import { test } from "node:test";
import type { Socket } from "node:net";
import fc from "fast-check";
import { SessionError } from "holdfast";
import * as connect from "holdfast/connect";
import * as express from "holdfast/express";
import * as fastify from "holdfast/fastify";
import * as fetchEntry from "holdfast/fetch";
import * as hono from "holdfast/hono";
import * as koa from "holdfast/koa";
import * as node from "holdfast/node";
import { crossOriginCheck } from "#dist/http/cross-origin.js";

const HOST = "shop.example";
const LOGIN = "https://login.example.com";
const SAFE = ["GET", "HEAD", "OPTIONS", "QUERY"];
const UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", "Get", "head", "query", ""];

type Headers = Record<string, string | readonly string[]>;

interface Asked {
  method?: string;
  headers?: Headers;
  host?: string;
  encrypted?: boolean;
  trustedOrigins?: readonly string[];
}

/** The error that refuses it, if any. */
function refusal({ method = "POST", headers = {}, host = HOST, encrypted = false, ...options }: Asked): any {
  const all: Headers = { host, ...headers };
  return crossOriginCheck([options])(method, { headers: (name) => [all[name] ?? []].flat(), encrypted });
}

const isRefused = (asked: Asked): boolean => refusal(asked) !== undefined;

const SITES: Readonly<Record<string, boolean>> = {
  "same-origin": true,
  none: true,
  "same-site": false,
  "cross-site": false,
  "": false,
  "Same-Origin": false,
  "same-origin;x": false,
  '"same-origin"': false,
  "same-origin, same-origin": true,
  "same-origin, cross-site": false,
  "cross-site,same-origin": false,
  "same-origin,": false,
  unknown: false,
};

/** By Origin: whether it is that of `http://shop.example` or `https://shop.example`. */
const ORIGINS: Readonly<Record<string, boolean>> = {
  "https://shop.example": true,
  "http://shop.example": true,
  "https://SHOP.example": true,
  "HTTPS://shop.example": true,
  "https://shop.example:443": true,
  "http://shop.example:80": true,
  "https://shop.example:80": false,
  "http://shop.example:443": false,
  "https://shop.example:8443": false,
  "https://sub.shop.example": false,
  "https://example": false,
  "https://evil.example": false,
  "https://shop.example.evil.example": false,
  "https://shop.example@evil.example": false,
  "https://evil.example@shop.example": false,
  "https://shop.example:443@evil.example": false,
  "https://shop.example/": false,
  "https://shop.example/path": false,
  "https://shop.example?x": false,
  "https://shop.example#x": false,
  "https://shop.example.": false,
  "https://shop.example\u0000": false,
  "https://shop.example\\evil.example": false,
  "//shop.example": false,
  "shop.example": false,
  null: false,
  "": false,
  "https://": false,
  "file://": false,
  "ftp://shop.example": false,
  "ws://shop.example": false,
  "chrome-extension://shop.example": false,
  "https://shop.example, https://shop.example": true,
  "https://shop.example, https://evil.example": false,
  "https://evil.example, https://shop.example": false,
  "null, https://shop.example": false,
  "https://shop.example,": false,
};

test("methods × Sec-Fetch-Site × Origin: the site decides, without it the origin, and without both all passes", () => {
  const sites = [undefined, ...Object.keys(SITES)];
  const origins = [undefined, ...Object.keys(ORIGINS)];
  let count = 0;
  for (const method of [...SAFE, ...UNSAFE]) {
    for (const site of sites) {
      for (const origin of origins) {
        const headers = {
          ...(site !== undefined && { "sec-fetch-site": site }),
          ...(origin !== undefined && { origin }),
        };
        const mayPass =
          SAFE.includes(method) || (site === undefined ? origin === undefined || ORIGINS[origin]! : SITES[site]!);
        const error = refusal({ method, headers });
        assert.equal(error === undefined, mayPass, `${method} ${JSON.stringify(headers)}`);
        count++;
        if (!error) continue;
        assert.ok(error instanceof SessionError);
        assert.deepEqual([error.code, error.status, error.expose], ["cross-origin", 403, false]);
      }
    }
  }
  assert.equal(count, 16 * 14 * 38);
});

test("a header that was sent several times passes only if every value does", () => {
  const doubled: [Headers, boolean][] = [
    [{ "sec-fetch-site": ["same-origin", "same-origin"] }, true],
    [{ "sec-fetch-site": ["same-origin", "cross-site"] }, false],
    [{ "sec-fetch-site": ["cross-site", "same-origin"] }, false],
    [{ origin: ["https://shop.example", "https://shop.example"] }, true],
    [{ origin: ["https://shop.example", "https://evil.example"] }, false],
    [{ origin: ["https://evil.example", "https://shop.example"] }, false],
    [{ origin: [LOGIN, "https://evil.example"] }, false],
    [{ origin: [LOGIN, "https://shop.example"] }, false],
  ];
  for (const [headers, passes] of doubled)
    assert.equal(isRefused({ headers, trustedOrigins: [LOGIN] }), !passes, JSON.stringify(headers));
});

test("a trusted origin passes exactly as it is named, whatever Sec-Fetch-Site is, and allows no other", () => {
  const trustedOrigins = [LOGIN, "http://localhost:3000", "capacitor://localhost", "http://[::1]:8080"];
  for (const origin of trustedOrigins)
    for (const site of ["cross-site", "same-site", undefined])
      assert.ok(
        !isRefused({ headers: { origin, ...(site && { "sec-fetch-site": site }) }, trustedOrigins }),
        `${origin} ${site}`,
      );
  const others = [
    "http://login.example.com",
    "https://login.example.com:8443",
    "https://login.example.com.evil.example",
    "https://evil.login.example.com",
    "https://LOGIN.example.com",
    "http://localhost",
    "null",
  ];
  for (const origin of others)
    assert.ok(isRefused({ headers: { origin, "sec-fetch-site": "cross-site" }, trustedOrigins }), origin);
  assert.ok(
    isRefused({ headers: { "sec-fetch-site": "cross-site" }, trustedOrigins }),
    "no Origin is not a trusted one",
  );
});

test("the host is that of the request, with default ports, any case and IPv6; forwarding headers change nothing", () => {
  const rows: [host: string, origin: string, passes: boolean][] = [
    ["shop.example", "https://shop.example", true],
    ["shop.example:443", "https://shop.example", true],
    ["shop.example:80", "http://shop.example", true],
    ["shop.example:80", "https://shop.example", false],
    ["Shop.Example", "https://shop.example", true],
    ["localhost:3000", "http://localhost:3000", true],
    ["localhost:3000", "http://localhost:3001", false],
    ["localhost:3000", "http://127.0.0.1:3000", false],
    ["[::1]:3000", "http://[::1]:3000", true],
    ["[::1]", "http://[::1]:80", true],
    ["[::1]:3000", "http://[::2]:3000", false],
    ["xn--bcher-kva.example", "https://xn--bcher-kva.example", true],
    ["", "https://shop.example", false],
    ["", "null", false],
    ["null", "null", false],
    ["shop.example, evil.example", "https://evil.example", false],
    ["shop.example@evil.example", "https://evil.example", false],
    ["shop.example/evil.example", "https://shop.example", false],
  ];
  for (const [host, origin, passes] of rows)
    assert.equal(isRefused({ host, headers: { origin } }), !passes, `${host} ${origin}`);
  const forged = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    forwarded: "host=evil.example;proto=https",
    "x-original-host": "evil.example",
    "x-http-method-override": "GET",
    referer: "https://shop.example/",
  };
  assert.ok(isRefused({ headers: { ...forged, origin: "https://evil.example" } }));
  assert.ok(isRefused({ headers: { ...forged, "sec-fetch-site": "cross-site", origin: "https://evil.example" } }));
});

test("over TLS a page of plain http at the same host is another origin", () => {
  const at = (origin: string): boolean => isRefused({ headers: { origin }, encrypted: true });
  assert.deepEqual(
    [at("https://shop.example"), at("http://shop.example"), at("http://shop.example:443")],
    [false, true, true],
  );
});

test("a WebSocket's handshake is a GET that is checked as one that changes something", () => {
  const handshake = { upgrade: "websocket", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
  for (const [headers, passes] of [
    [{ origin: "https://evil.example" }, false],
    [{ origin: "https://shop.example" }, true],
    [{ origin: "null" }, false],
    [{ origin: "https://evil.example", "sec-fetch-site": "cross-site" }, false],
    [{ origin: "https://sub.shop.example", "sec-fetch-site": "same-site" }, false],
    [{ origin: LOGIN }, true],
    [{}, true],
  ] as const)
    assert.equal(
      isRefused({ method: "GET", headers: { ...handshake, ...headers }, trustedOrigins: [LOGIN] }),
      !passes,
      JSON.stringify(headers),
    );
});

test("whatever a header holds, the check returns, and what the message repeats of it is harmless", () => {
  const text = fc.string({ unit: "binary", maxLength: 80 });
  const value = fc.oneof(
    text,
    fc.constantFrom("https://shop.example", "same-origin", "null", `https://${"a".repeat(9000)}`),
  );
  fc.assert(
    fc.property(fc.array(value), fc.array(value), value, value, (site, origin, host, method) => {
      const error = refusal({ method, host, headers: { "sec-fetch-site": site, origin } });
      const message: string = error?.message ?? "";
      assert.ok(message.length < 700 && ["\r", "\n", "\u0000"].every((one) => !message.includes(one)), message);
    }),
  );
  assert.match(
    refusal({ headers: { origin: "https://evil.example" } }).message,
    /from https:\/\/evil\.example was refused/,
  );
  assert.doesNotMatch(
    refusal({ host: "internal-7", headers: { origin: "https://evil.example" } }).message,
    /internal-7/,
  );
});

const ENTRIES = { node, connect, express, fastify, koa, hono, fetch: fetchEntry } as const;

test("an invalid origin is refused when the middleware is created, on every adapter, and the error says what to write", () => {
  const wrong: [unknown, RegExp][] = [
    [LOGIN, /trustedOrigins is a string; write \["https:\/\/login\.example\.com"\]/],
    [{}, /trustedOrigins is an object/],
    [[7], /trustedOrigins\[0\] is 7/],
    [[LOGIN, new URL(LOGIN)], /trustedOrigins\[1\] is an object \(URL\)/],
    [["https://*.example.com"], /no wildcards/],
    [["*"], /no wildcards/],
    [["null"], /sandboxed/],
    [["https://login.example.com/"], /send them: "https:\/\/login\.example\.com"; see /],
    [["https://login.example.com/callback?x#y"], /send them: "https:\/\/login\.example\.com"; see /],
    [["https://login.example.com:443"], /send them: "https:\/\/login\.example\.com"; see /],
    [["http://login.example.com:80"], /send them: "http:\/\/login\.example\.com"; see /],
    [["https://LOGIN.example.com"], /send them: "https:\/\/login\.example\.com"; see /],
    [["https://bücher.example"], /send them: "https:\/\/xn--bcher-kva\.example"; see /],
    [["wss://login.example.com"], /send them: "https:\/\/login\.example\.com"; see /],
    [["http://[0:0:0:0:0:0:0:1]:3000"], /send them: "http:\/\/\[::1\]:3000"; see /],
    [["Capacitor://localhost"], /send them: "capacitor:\/\/localhost"; see /],
    [["file:///tmp"], /send them: "https:\/\/login\.example\.com"; see /],
    [["ftp://example.com"], /send them/],
    [["login.example.com"], /send them: "https:\/\/login\.example\.com"; see /],
    [["//login.example.com"], /send them/],
    [[" https://login.example.com"], /send them: "https:\/\/login\.example\.com"; see /],
    [["https://a.example,https://b.example"], /send them/],
    [["data:text/html,x"], /send them/],
    [[""], /send them/],
  ];
  for (const [name, { crossOriginProtection }] of Object.entries(ENTRIES)) {
    for (const [trustedOrigins, message] of wrong) {
      const options = { trustedOrigins } as object;
      const about = `${name}: ${JSON.stringify(trustedOrigins)}`;
      assert.throws(() => crossOriginProtection(options), { name: "TypeError", message }, about);
    }
    const make = crossOriginProtection as (...given: unknown[]) => unknown;
    assert.throws(
      () => make({ trustedOrigin: [] }),
      /has no option "trustedOrigin" \(did you mean "trustedOrigins"\?\)/,
    );
    assert.throws(() => make({}, {}, () => {}), /write app\.use\(crossOriginProtection\(\)\)/);
    assert.throws(() => make("https://a.example"), /makes the middleware from options/);
    for (const fine of [[], [undefined], [{}], [{ trustedOrigins: [] }]]) make(...fine);
  }
});

test("a password in a URL is never shown", () => {
  const options = { trustedOrigins: ["https://ann:hunter2@example.com"] };
  assert.throws(
    () => connect.crossOriginProtection(options),
    ({ message }: Error) => /without user and password/.test(message) && !message.includes("hunter2"),
  );
});

test("what the application changes in its list later changes nothing", () => {
  const trustedOrigins = [LOGIN];
  const { check } = connect.crossOriginProtection({ trustedOrigins });
  trustedOrigins.splice(0, 1, "https://evil.example");
  check(request("POST", { origin: LOGIN }));
  assert.throws(() => check(request("POST", { origin: "https://evil.example" })), { code: "cross-origin" });
});

test("check throws for a request that no middleware sees, on every adapter", () => {
  const handshake = { upgrade: "websocket", "sec-websocket-key": "x", host: HOST, origin: "https://evil.example" };
  const own = { ...handshake, origin: "https://shop.example" };
  const web = (headers: Record<string, string>): Request => new Request("http://shop.example/", { headers });
  for (const { crossOriginProtection } of [node, connect, express, fastify, koa]) {
    assert.throws(() => crossOriginProtection().check(request("GET", handshake)), { code: "cross-origin" });
    crossOriginProtection().check(request("GET", own));
  }
  for (const { crossOriginProtection } of [fetchEntry, hono]) {
    assert.throws(() => crossOriginProtection().check(web(handshake)), { code: "cross-origin" });
    crossOriginProtection().check(web(own));
  }
});

test("a request of a serverless function, which has no raw headers, is checked as any other", async () => {
  const protect = connect.crossOriginProtection();
  const met = (headers: Record<string, string | string[]>): Promise<any> =>
    new Promise((resolve) =>
      protect(request("POST", headers as Record<string, string>), {} as ServerResponse, resolve),
    );
  assert.equal((await met({ host: HOST, "sec-fetch-site": "cross-site" })).code, "cross-origin");
  assert.equal(
    (await met({ host: HOST, origin: ["https://shop.example", "https://evil.example"] })).code,
    "cross-origin",
  );
  assert.equal(await met({ host: HOST, "sec-fetch-site": "same-origin" }), undefined);
});

test("a method that was overridden before is checked as what it became", () => {
  const { check } = connect.crossOriginProtection();
  const overridden = request("GET", { origin: "https://evil.example" });
  overridden.method = "DELETE";
  assert.throws(() => check(overridden), { code: "cross-origin" });
});

/** As serverless adapters make them: parsed headers alone. */
function request(method: string, headers: Record<string, string>): IncomingMessage {
  const req = new IncomingMessage({ encrypted: false } as unknown as Socket);
  return Object.assign(req, { method, url: "/", headers: { host: HOST, ...headers } });
}
