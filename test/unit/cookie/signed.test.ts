import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer, get, type IncomingMessage, type RequestListener } from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";
import express from "express";
import expressSession from "express-session";
import fc from "fast-check";
import { readCookie } from "#dist/cookie/cookie.js";
import { signedValues } from "#dist/cookie/signed.js";

interface CookieSignature {
  sign(value: string, secret: string | Uint8Array): string;
  unsign(signed: string, secret: string | Uint8Array): string | false;
}

const load = createRequire(import.meta.url);
/** The version that Express itself uses, and the older one of express-session. */
const PACKAGES = ["express", "express-session"].map(
  (user) => createRequire(load.resolve(user))("cookie-signature") as CookieSignature,
);

const SECRET = "a secret of the tests";
const values = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 });
const secrets = fc.string({ minLength: 1, maxLength: 40 });

test("what the package cookie-signature signs is decoded, and the other way round", () => {
  for (const { sign, unsign } of PACKAGES)
    fc.assert(
      fc.property(values, secrets, (value, secret) => {
        const signed = signedValues("secret", secret);
        assert.equal(signed.decode(encodeURIComponent(`s:${sign(value, secret)}`)), value);
        assert.equal(
          signed.decode(`s:${sign("plain.value", secret)}`),
          "plain.value",
          "also without percent-encoding",
        );
        assert.equal(unsign(decodeURIComponent(signed.encode(value)).slice(2), secret), value);
      }),
    );
});

test("secrets may be bytes", () => {
  const secret = Buffer.from([0, 255, 128, 7]);
  for (const { sign, unsign } of PACKAGES) {
    const signed = signedValues("secret", secret);
    assert.equal(signed.decode(`s:${sign("abc", secret)}`), "abc");
    assert.equal(unsign(decodeURIComponent(signed.encode("abc")).slice(2), secret), "abc");
  }
});

test("of several secrets the first one signs and all of them verify", () => {
  const both = signedValues("secret", ["new", "old"]);
  assert.equal(both.decode(signedValues("secret", "old").encode("x")), "x");
  assert.equal(both.decode(signedValues("secret", "new").encode("x")), "x");
  assert.equal(both.decode(signedValues("secret", "older").encode("x")), undefined);
  assert.equal(both.encode("x"), signedValues("secret", "new").encode("x"));
});

test("a value that was changed anywhere, or that is not signed, is not decoded", () => {
  const signed = signedValues("secret", SECRET);
  const good = decodeURIComponent(signed.encode("user.7"));
  for (let at = 0; at < good.length; at++) {
    const changed = `${good.slice(0, at)}${good[at] === "A" ? "B" : "A"}${good.slice(at + 1)}`;
    assert.equal(signed.decode(changed), undefined, changed);
    assert.equal(signed.decode(good.slice(0, at)), undefined, `cut at ${at}`);
  }
  const others = ["", "s:", "s:.", "s:a.", "a", "user.7", "%", "s%3A%zz", `${good}=`, `${good} `, "s:\u0000.\u0000"];
  for (const other of others) assert.equal(signed.decode(other), undefined, other);
  assert.equal(signed.decode(`s:${"a".repeat(5000)}.b`), undefined);
  const sha512 = signedValues("secret", SECRET, { algorithm: "sha512" });
  assert.equal(sha512.decode(good), undefined, "another hash");
});

test("the formats of @fastify/session: no prefix, sha512", () => {
  const signature = createHmac("sha512", SECRET).update("abc").digest("base64").replace(/=+$/, "");
  const signed = signedValues("secret", SECRET, { prefix: "", algorithm: "sha512" });
  assert.equal(signed.decode(`abc.${signature}`), "abc");
  assert.equal(signed.decode("abc"), undefined);
});

test("a secret that is missing or empty is refused when it is configured, and not repeated in the message", () => {
  const wrong = [undefined, null, "", [], ["good", ""], ["good", undefined], 7, Buffer.alloc(0), [["nested"]]];
  for (const given of wrong)
    assert.throws(
      () => signedValues("secret", given as never),
      (error: Error) => error instanceof TypeError && !error.message.includes("good"),
      String(given),
    );
});

test("express-session reads a cookie that was encoded here, and its own cookie is decoded here", async () => {
  const store = new expressSession.MemoryStore();
  const app = express();
  app.use(expressSession({ secret: [SECRET, "older"], store, resave: false, saveUninitialized: false }));
  app.get("/", (req, res) => {
    (req.session as { n?: number } & typeof req.session).n ??= 1;
    res.send(req.sessionID);
  });
  const signed = signedValues("secret", ["older"]);
  const cookie = { originalMaxAge: null, path: "/" };
  store.set("user:42/%é=.7", { cookie, n: 2 } as never);
  await serving(app, async (ask) => {
    assert.equal((await ask(`connect.sid=${signed.encode("user:42/%é=.7")}`)).body, "user:42/%é=.7");
    const { body, cookies } = await ask();
    const sent = readCookie(cookies[0]!.split("; ")[0], "connect.sid").first!;
    assert.equal(signedValues("secret", SECRET).decode(sent), body);
    assert.equal(signedValues("secret", SECRET).encode(body), sent);
  });
});

type Ask = (cookie?: string) => Promise<{ body: string; cookies: string[] }>;

async function serving(listener: RequestListener, use: (ask: Ask) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  try {
    await use(async (cookie) => {
      const headers = cookie === undefined ? {} : { cookie };
      const res = await new Promise<IncomingMessage>((resolve, reject) =>
        get({ port, headers, agent: false }, resolve).on("error", reject),
      );
      const chunks = await res.toArray();
      return { body: Buffer.concat(chunks as Buffer[]).toString(), cookies: res.headers["set-cookie"] ?? [] };
    });
  } finally {
    server.close();
  }
}
