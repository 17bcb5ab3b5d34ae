import assert from "node:assert/strict";
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { suite, test, type TestContext } from "node:test";
import { chromium, type BrowserContext } from "playwright-core";
import { ADAPTERS, startApp, type AdapterName, type Routes } from "../../support/apps.js";
import { withService } from "../../support/services.js";
import { within } from "../../support/within.js";

/** Whether `secure: "auto"` knows a proxy that ends TLS: nginx as people configure it, in front of each adapter. */

const KINDS = ["plain", "http11", "kept", "sockets", "localhost", "forwarding", "forwarded", "host"];

/** What Chromium sends with the first visit of an address that was typed. */
const BROWSER = {
  connection: "keep-alive",
  "user-agent":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
  "upgrade-insecure-requests": "1",
  "sec-fetch-site": "none",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
};
const CURL = { "user-agent": "curl/8.5.0" };
const page = (origin: string): Record<string, string> => ({
  ...BROWSER,
  "sec-fetch-site": "same-origin",
  origin,
  referer: `${origin}/`,
});

const ROUTES: Routes = {
  "/count": (h) => {
    h.session.update("n", (n: number = 0) => n + 1);
    return h.answer({ body: `visits: ${h.session.get("n")}` });
  },
};

/** The Set-Cookie line of an answer. */
function cookieAt(origin: string, headers: Record<string, string>): Promise<string> {
  const answered = new Promise<string>((resolve, reject) => {
    const send = origin.startsWith("https:") ? tlsRequest : plainRequest;
    const req = send(`${origin}/count`, { headers, agent: false, rejectUnauthorized: false } as object, (res) => {
      res.resume().once("end", () => resolve(res.headers["set-cookie"]?.[0] ?? `no cookie, ${res.statusCode}`));
    });
    req.once("error", reject).end();
  });
  return within(5000, `the answer of ${origin}`, answered);
}

const isSecure = async (origin: string, headers: Record<string, string>): Promise<boolean> => {
  const line = await cookieAt(origin, headers);
  assert.match(line, /^session_id=[\w-]{43}; /);
  return line.endsWith("; Secure");
};

async function portOf(t: TestContext, adapter: AdapterName): Promise<number> {
  const app = await startApp(adapter, {}, ROUTES);
  t.after(() => app.close());
  return app.port;
}

await withService("nginx-tls", ({ url }) => {
  const { port } = new URL(url);
  /** nginx finds the application by the name it is asked for. */
  const through = (app: number, kind: string) => (headers: Record<string, string>) =>
    isSecure(url, { ...headers, host: `${app}.${kind}.shop.test:${port}` });

  suite('attack 41: secure "auto" behind a proxy that ends TLS', () => {
    for (const { name } of ADAPTERS) {
      test(`${name}: Secure, however nginx is configured, and not Secure without it`, async (t) => {
        const app = await portOf(t, name);
        for (const kind of KINDS) {
          assert.equal(await through(app, kind)(BROWSER), true, `${kind}, a browser's first visit`);
          assert.equal(
            await through(app, kind)(page(`https://${app}.${kind}.shop.test:${port}`)),
            true,
            `${kind}, a page`,
          );
        }
        for (const host of ["localhost", "127.0.0.1"]) {
          for (const headers of [BROWSER, page(`http://${host}:${app}`), CURL])
            assert.equal(
              await isSecure(`http://${host}:${app}`, headers),
              false,
              `${host}, ${headers["user-agent"]}`,
            );
        }
        assert.equal(
          await isSecure(`http://127.0.0.1:${app}`, { ...BROWSER, host: `192.168.1.2:${app}` }),
          true,
          "plain http in a local network",
        );
      });
    }

    for (const name of ADAPTERS.map((one) => one.name).filter((one) => one !== "fetch")) {
      test(`${name}: the plainest configuration is known by its version of HTTP, so also for what is no browser`, async (t) => {
        const app = await portOf(t, name);
        assert.equal(await through(app, "plain")(CURL), true);
      });
    }

    test("in Chromium the session works, over https through nginx and over http without it", async (t) => {
      const { ensureChromium, chromiumFlags } = await import(
        new URL("../../../scripts/ensure-chromium.mjs", import.meta.url).href
      );
      const browser = await chromium.launch({
        executablePath: ensureChromium(),
        args: [...chromiumFlags, "--host-resolver-rules=MAP *.test 127.0.0.1"],
      });
      t.after(() => browser.close());
      const app = await portOf(t, "express");
      for (const [origin, expected] of [
        [`https://${app}.plain.shop.test:${port}`, true],
        [`https://${app}.kept.shop.test:${port}`, true],
        [`http://localhost:${app}`, false],
      ] as const) {
        const person = await browser.newContext({ ignoreHTTPSErrors: true });
        assert.deepEqual(
          await visited(person, origin),
          { says: ["visits: 1", "visits: 2", "visits: 3"], secure: expected },
          origin,
        );
        await person.close();
      }
    });
  });
});

/** Goes there twice, and asks once by a script of that page. */
async function visited(
  person: BrowserContext,
  origin: string,
): Promise<{ says: (string | null)[]; secure: boolean | undefined }> {
  const tab = await person.newPage();
  const says: (string | null)[] = [];
  for (let visit = 0; visit < 2; visit++) {
    await tab.goto(`${origin}/count`);
    says.push(await tab.textContent("body"));
  }
  says.push(await tab.evaluate(async () => (await fetch("/count", { method: "POST" })).text()));
  const [cookie] = await person.cookies();
  return { says, secure: cookie?.secure };
}
