import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { Client } from "../support/client.js";
import { within } from "../support/within.js";
import { compiled, moduleOf, pageAt, type Page } from "./pages.js";

/** The pages of docs/start: each program is run as it is, on a free port, and each request of the page is sent. */

const ours = ["express", "fastify", "fetch", "hono", "koa", "node"].map((name) => pageAt(`start/${name}`));
const result = await compiled({ "(3000,": "(0,", "port: 3000": "port: 0" }, ours);
after(result.remove);

/** Sends the port that a server got, so that the programs need not. */
const reporting = join(result.directory, "reporting.mjs");
writeFileSync(
  reporting,
  `import { Server } from "node:net";
const { listen } = Server.prototype;
Server.prototype.listen = function (...args) {
  this.once("listening", () => process.send(this.address().port));
  return listen.apply(this, args);
};
`,
);

async function started(t: TestContext, page: Page): Promise<Client> {
  const execArgv = ["--import", pathToFileURL(reporting).href];
  const child = fork(join(result.directory, `${moduleOf(page)}.js`), {
    execArgv,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  t.after(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit").then(([code]) => Promise.reject(new Error(`${page.path} ended with ${code}`)));
  ended.catch(() => {});
  const [port] = await within(20_000, `the port of ${page.path}`, Promise.race([once(child, "message"), ended]));
  return new Client(`http://localhost:${port}`);
}

/** A request that a page shows as a `curl` command, and what the comment beside it says of the response. */
interface Shown {
  readonly path: string;
  readonly form: Record<string, string> | undefined;
  readonly expected: string | undefined;
}

function requestsOf(text: string): Shown[] {
  const commands = text.matchAll(/^curl -b jar -c jar (.*?)http:\/\/localhost:3000(\S+)(?: +# (.+))?$/gm);
  return [...commands].map(([, options = "", path = "", expected]) => {
    const fields = [...options.matchAll(/-d (\w+)=(\w+)/g)].map(([, name, value]) => [name!, value!] as const);
    return { path, form: fields.length > 0 ? Object.fromEntries(fields) : undefined, expected };
  });
}

test("the programs compile", () => assert.equal(result.says, ""));

suite("install to login: every request of the page gets the response that the page shows", { concurrency: 2 }, () => {
  for (const page of ours) {
    test(page.name, async (t) => {
      const requests = requestsOf(page.text);
      assert.equal(requests.length, page.text.match(/^curl /gm)!.length);
      const client = await started(t, page);
      const before: string[] = [];
      for (const { path, form, expected } of requests) {
        const answer = await client.send(path, form ? { method: "POST", form } : {});
        if (expected === undefined) assert.ok([302, 303].includes(answer.status), `${path}: ${answer.status}`);
        else assert.equal(answer.body, expected, path);
        if (!before.includes(client.cookieHeader)) before.push(client.cookieHeader);
      }
      assert.deepEqual(
        before.map((cookie) => cookie !== ""),
        [true, true, false],
        "a visitor's cookie, another one after the login, none after the logout",
      );
      const foreign = { method: "POST", form: {}, headers: { origin: "https://evil.example" } };
      assert.equal((await client.send("/logout", foreign)).status, 403, "a form of another site");
    });
  }
});

test("the packages that a page installs are those that its program imports", () => {
  for (const { name, text } of ours) {
    const installed = /^npm install (holdfast.*)$/m.exec(text)![1]!.split(" ");
    const imported = [...text.matchAll(/from "((?:@[\w-]+\/)?[\w-]+)/g)].map(([, from]) => from!);
    assert.deepEqual([...new Set(imported)].filter((from) => from !== "node").sort(), installed.toSorted(), name);
  }
});
