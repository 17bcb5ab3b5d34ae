import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test, type TestContext } from "node:test";
import { createStore, type SessionEvent, type Storage } from "holdfast";
import { session } from "holdfast/fetch";
import { storageSuite } from "holdfast/testing";
import { incidents } from "../support/incidents.js";

const { filesStorage } = (await import(new URL("../../examples/dist/files-storage.js", import.meta.url).href)) as {
  filesStorage(folder: string): Storage;
};

const call = { now: Date.now(), signal: new AbortController().signal };
const entry = { value: "one", expiresAt: call.now + 60_000 };

describe("the files of the example: the storage contract", () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-files-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  for (const { name, run } of storageSuite(() => ({ storage: filesStorage(folder) }))) test(name, run);
});

test("attack 23: no key leaves the folder, none reaches the file of another", async (t) => {
  const { outside, folder } = place(t);
  const storage = filesStorage(folder);
  const keys = [
    "../out",
    "..\\out",
    "../../../../etc/passwd",
    "/etc/passwd",
    "C:",
    "C:\\out",
    "CON",
    "NUL",
    ".",
    "..",
    "",
    "a/b",
    "a\u0000b",
    "%2e%2e%2fout",
    "~",
    "a".repeat(5000),
    "A".repeat(5000),
    "__proto__",
  ];
  for (const key of keys) assert.ok(await storage.create(key, { ...entry, value: key }, call), JSON.stringify(key));
  for (const key of keys) assert.equal((await storage.get(key, call))?.value, key);
  assert.deepEqual(readdirSync(outside), ["sessions"]);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  assert.equal(files.length, keys.length);
  for (const file of files) assert.ok(file.isFile() && /^[0-9a-f]{64}\.json$/.test(file.name), file.name);
});

test("attack 23: a token that is a path is no token: the folder is not even looked at", async (t) => {
  const { folder } = place(t);
  const asked: string[] = [];
  const files = filesStorage(folder);
  const sessions = session<{ n: number }>({
    storage: { ...bound(files), get: (key, at) => (asked.push(key), files.get(key, at)) },
  });
  const handler = sessions((request) => new Response(String(sessions.get(request).get("n"))));
  for (const token of ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "..\\..\\x", "C:", "CON", "/etc/passwd"]) {
    const answer = await handler(new Request("http://localhost/", { headers: { cookie: `session_id=${token}` } }));
    assert.deepEqual(
      [answer.status, await answer.text(), answer.headers.get("set-cookie")],
      [200, "undefined", null],
    );
  }
  assert.deepEqual(asked, []);
});

test("a folder that is not there yet is empty; what is written there only its owner reads", async (t) => {
  const { folder } = place(t);
  const storage = filesStorage(folder);
  assert.equal(await storage.get("k", call), undefined);
  assert.equal(await storage.sweep!(call), 0);
  await storage.clear!("k", call);
  await storage.create("k", entry, call);
  const open = [folder, ...readdirSync(folder).map((name) => join(folder, name))].filter(
    (path) => statSync(path).mode & 0o077,
  );
  assert.deepEqual(process.platform === "win32" ? [] : open, []);
});

test("a damaged file is no session and one event, never an error", async (t) => {
  const { folder } = place(t);
  const events: SessionEvent[] = [];
  const store = createStore<{ n: number }>({
    storage: filesStorage(folder),
    onEvent: incidents((event) => events.push(event)),
  });
  const { token } = await store.create({ n: 1 });
  const [file = ""] = readdirSync(folder);
  for (const text of ["", "{", "null", "7", "{}", '{"version":"x"}', "<html>"]) {
    writeFileSync(join(folder, file), text);
    assert.equal(await store.getByToken(token), undefined, text);
  }
  assert.deepEqual(
    events.map(({ type }) => type),
    Array.from({ length: 7 }, () => "unreadable"),
  );
});

test("a lock that is never released is waited for as long as the caller waits, no longer", async (t) => {
  const { folder } = place(t);
  const storage = filesStorage(folder);
  await storage.create("k", entry, call);
  const [file = ""] = readdirSync(folder);
  writeFileSync(join(folder, `${file}.lock`), "");
  const { version } = (await storage.get("k", call))!;
  await assert.rejects(
    async () => storage.update("k", entry, version, { ...call, signal: AbortSignal.timeout(20) }),
    { name: "TimeoutError" },
  );
  rmSync(join(folder, `${file}.lock`));
  assert.ok(await storage.update("k", entry, version, call));
});

function place(t: TestContext): { outside: string; folder: string } {
  const outside = mkdtempSync(join(tmpdir(), "holdfast-files-"));
  t.after(() => rmSync(outside, { recursive: true, force: true }));
  return { outside, folder: join(outside, "sessions") };
}

/** The calls of a storage as an object of its own. */
function bound(storage: Storage): Storage {
  return {
    get: (...args) => storage.get(...args),
    create: (...args) => storage.create(...args),
    update: (...args) => storage.update(...args),
    touch: (...args) => storage.touch(...args),
    delete: (...args) => storage.delete(...args),
  };
}
