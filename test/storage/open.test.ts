/** `openStorage`: every kind of address on its real server, and what is none. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { createStore } from "holdfast";
import { openStorage } from "holdfast/open";
import { run } from "../docs/pages.js";
import { awsSdkPath } from "../support/dynamodb-clients.js";
import { withService } from "../support/services.js";

const NAMES = {
  redis: "Redis",
  postgres: "PostgreSQL",
  mariadb: "MySQL",
  mongodb: "MongoDB",
  memcached: "Memcached",
};

async function keepsSessions(address: string, name: string): Promise<void> {
  for (let round = 0; round < 2; round++) {
    const opened = await openStorage(address);
    assert.equal(opened.name, name);
    const store = createStore<{ n: number }>({ storage: opened.storage });
    const { token } = await store.create({ n: 1 });
    assert.equal((await store.getByToken(token))?.get("n"), 1);
    await opened.close();
  }
}

for (const [service, name] of Object.entries(NAMES)) {
  await withService(service, ({ url }) => {
    test(`${service}: sessions are kept, and closing ends the client`, () => keepsSessions(url, name));
  });
}

await withService("mariadb", ({ url }) => {
  test("mariadb: is MySQL's by another name", () => keepsSessions(url.replace(/^\w+:/, "mariadb:"), "MySQL"));
});

test("sqlite: a file", async () => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-open-"));
  await keepsSessions(`sqlite:${join(directory, "a #1.db")}`, "SQLite");
  rmSync(directory, { recursive: true });
});

await withService("dynamodb", ({ url }) => {
  test("dynamodb: the client is the one that is installed where the program was started", async () => {
    const address = `dynamodb://us-east-1/opened?endpoint=${encodeURIComponent(url)}`;
    const library = fileURLToPath(new URL("../../dist/open.js", import.meta.url));
    const script = `
      process.chdir(${JSON.stringify(dirname(awsSdkPath("client-dynamodb")))});
      const { openStorage } = await import(${JSON.stringify(library)});
      const { storage, name, close } = await openStorage(${JSON.stringify(address)});
      const call = { now: Date.now(), signal: AbortSignal.timeout(5000) };
      await storage.create("k", { value: "v", expiresAt: call.now + 1000 }, call);
      console.log(name, (await storage.get("k", call)).value);
      await close();`;
    const env = { ...process.env, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", NODE_NO_WARNINGS: "1" };
    const { output, code } = await run(process.execPath, ["--input-type=module", "-e", script], env);
    assert.equal(code, 0, output);
    assert.match(output, /DynamoDB v/);
  });
});

test("a client that is not installed is named, with what to run", async () => {
  const message = /its client is not installed; run: npm install @aws-sdk\/client-dynamodb/;
  await assert.rejects(openStorage("dynamodb://us-east-1/sessions"), { code: "storage", message });
});

describe("an unreachable URL is an error that shows no password", () => {
  const SECRET = "hunter2/a%40b";
  const nowhere = ["redis", "rediss", "postgres", "postgresql", "mysql", "mariadb", "mongodb"].map(
    (scheme) => `${scheme}://me:${SECRET}@127.0.0.1:1/app`,
  );
  const malformed = [
    `mongodb://me:${SECRET}@`,
    `mongodb://me:${SECRET}@h:1:2/x`,
    `mongodb://127.0.0.1:1/x?password=${SECRET}&serverSelectionTimeoutMS=x`,
    `redis://me:${SECRET}@h:99999`,
    `postgres://me:${SECRET}@h:99999/x`,
    `mysql://me:${SECRET}@h:99999/x`,
    `dynamodb://me:${SECRET}@us-east-1/x`,
    `dynamodb://us-east-1?secret=${SECRET}`,
    `memcached://me:${SECRET}@127.0.0.1:1`,
    `oracle://me:${SECRET}@h/x`,
    SECRET,
  ];
  for (const address of [...nowhere, ...malformed]) {
    test(address.replace(SECRET, "…"), async () => {
      const error = await openStorage(address).then(
        () => assert.fail("it opened"),
        (thrown: unknown) => thrown as Error,
      );
      assert.match(error.name, /^(SessionError|TypeError)$/);
      assert.doesNotMatch(inspect(error, { depth: 9 }), /hunter2/);
    });
  }

  test("memcached: a port without a server", async () => {
    await assert.rejects(openStorage("memcached://127.0.0.1:1"), { code: "storage" });
  });

  test("not a string", async () => {
    await assert.rejects(openStorage(undefined as never), { message: /address is undefined; write redis:/ });
  });
});
