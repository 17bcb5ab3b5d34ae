import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { withService } from "../support/services.js";
import { aWhile } from "../support/within.js";

const services = fileURLToPath(new URL("../../scripts/services.mjs", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "holdfast-service-test-"));
after(() => rmSync(directory, { recursive: true, force: true }));

/** A program that starts a server and says where; then it does `next`. */
const program = (next: string) => `
  import { startService } from ${JSON.stringify(services)};
  const { servers, url } = await startService("redis");
  const { Redis } = await import("ioredis");
  const redis = new Redis(url);
  const [, directory] = await redis.config("GET", "dir");
  console.log(JSON.stringify({ port: servers[0].port, directory }));
  redis.disconnect();
  ${next}`;

function begin(next: string) {
  return spawn(process.execPath, ["--input-type=module", "-e", program(next)], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
  });
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true))).once("error", () =>
      resolve(false),
    );
  });

await withService("redis", () => {
  for (const [end, next, kill] of [
    ["comes to its end", "", undefined],
    ["throws", "throw new Error('a test that fails')", undefined],
    ["exits", "process.exit(3)", undefined],
    ["is killed", "setInterval(() => {}, 1000)", "SIGKILL"],
    ["is interrupted", "setInterval(() => {}, 1000)", "SIGINT"],
  ] as const) {
    test(`a server and its data are gone when the process that started it ${end}`, async () => {
      const child = begin(
        end === "throws" ? `process.on("uncaughtException", () => process.exit(1)); ${next}` : next,
      );
      const ended = once(child, "exit");
      const [said] = (await once(child.stdout, "data")) as [Buffer];
      const { port, directory } = JSON.parse(`${said}`) as { port: number; directory: string };
      if (kill) assert.ok((await isOpen(port)) && existsSync(directory));
      if (kill) child.kill(kill);
      await ended;
      for (let tries = 0; tries < 100 && ((await isOpen(port)) || existsSync(directory)); tries++) await aWhile(20);
      assert.deepEqual([await isOpen(port), existsSync(directory)], [false, false]);
    });
  }

  test("npm run services runs a command with the addresses, answers its status, and takes options in any order", async () => {
    const file = join(directory, "addresses.env");
    const run = promisify(execFile);
    const failed = await run(process.execPath, [
      services,
      "--env",
      file,
      "redis",
      "--",
      process.execPath,
      "-e",
      "console.log(process.env.HOLDFAST_TEST_REDIS_URL); process.exit(3)",
    ]).catch((error) => error);
    assert.equal(failed.code, 3);
    const [line, url] = failed.stdout.trim().split("\n");
    assert.match(url, /^redis:\/\/127\.0\.0\.1:\d+$/);
    assert.ok(line.startsWith(`HOLDFAST_TEST_REDIS_URL=${url} `));
    const wrong = await run(process.execPath, [services, "oracle"]).catch((error) => error);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^oracle: unknown; services are .*redis-cluster/);
  });
});

test("where a program is missing and nobody may install it, the error says what to install", async () => {
  for (const name of ["node", "sh"])
    symlinkSync(name === "node" ? process.execPath : "/bin/sh", join(directory, name));
  const script = `
    process.getuid = () => 1000;
    const { startService } = await import(${JSON.stringify(services)});
    for (const name of ["redis", "memcached", "valkey"]) await startService(name).catch((error) => console.log(error.name, error.message));`;
  const { stdout } = await promisify(execFile)(join(directory, "node"), ["--input-type=module", "-e", script], {
    env: { PATH: directory },
  });
  assert.match(
    stdout,
    /^MissingProgram there is no redis-server: install it \(Debian, Ubuntu: apt-get install redis-server\)\nMissingProgram there is no memcached/,
  );
});

/** A lock as apt takes it (fcntl), held until its input closes. */
const HOLD =
  'use Fcntl; open(my $file, ">>", $ARGV[0]) or die; my $whole = pack("s s l! l! i", F_WRLCK, 0, 0, 0, 0); fcntl($file, F_SETLK, $whole) or die; $| = 1; print "held\\n"; <STDIN>;';
const apt = (await import(new URL("../../scripts/apt.mjs", import.meta.url).href)) as Record<
  "aptGet" | "aptUpdate",
  (options: object) => string
> & {
  aptInstall(packages: readonly string[], options: object): string;
  untilUnlocked(command: string): string;
  mirrorOf(suite: string, options: object): string | undefined;
};
const hasApt = ["/usr/bin/apt-get", "/usr/bin/perl"].every(existsSync);

for (const [what, lock, command] of [
  ["lists are renewed", "lists/lock", apt.aptUpdate],
  ["packages are installed", "lock-frontend", (options: object) => apt.aptInstall([], options)],
  [
    "what was downloaded is put away",
    "cache/archives/lock",
    (options: object) => apt.untilUnlocked(`${apt.aptGet(options)} clean`),
  ],
] as const) {
  test(
    `while another package manager holds its lock, ${what} later, and nothing fails`,
    { skip: !hasApt && "this system has no apt" },
    async (t) => {
      const home = mkdtempSync(join(tmpdir(), "holdfast-apt-"));
      t.after(() => rmSync(home, { recursive: true, force: true }));
      for (const name of ["lists/partial", "cache/archives/partial"])
        mkdirSync(join(home, name), { recursive: true });
      for (const name of ["status", "sources.list"]) writeFileSync(join(home, name), "");
      const options = {
        "Dir::State": home,
        "Dir::State::status": `${home}/status`,
        "Dir::State::Lists": `${home}/lists`,
        "Dir::Cache": `${home}/cache`,
        "Dir::Etc::SourceList": `${home}/sources.list`,
        "Dir::Etc::SourceParts": "/dev/null",
      };
      const holder = spawn("perl", ["-e", HOLD, join(home, lock)], { stdio: ["pipe", "pipe", "inherit"] });
      t.after(() => holder.kill());
      await once(holder.stdout, "data");
      let isOver = false;
      const running = promisify(execFile)("sh", ["-c", `set -e\n${command(options)}`]).finally(() => (isOver = true));
      await Promise.race([aWhile(1500), running]);
      assert.equal(isOver, false, "it must wait");
      holder.stdin.end();
      await running;
    },
  );
}

test(
  "packages of another suite are taken from where this system's sources point to",
  { skip: !hasApt && "this system has no apt" },
  (t) => {
    const home = mkdtempSync(join(tmpdir(), "holdfast-apt-"));
    t.after(() => rmSync(home, { recursive: true, force: true }));
    const sources = ["deb http://a.example/security old-security main", "deb http://b.example/debian old main"];
    writeFileSync(join(home, "sources.list"), `${sources.join("\n")}\n`);
    mkdirSync(join(home, "lists", "partial"), { recursive: true });
    const options = {
      "Dir::Etc::SourceList": `${home}/sources.list`,
      "Dir::Etc::SourceParts": "/dev/null",
      "Dir::State::Lists": `${home}/lists`,
    };
    assert.equal(apt.mirrorOf("old", options), "http://b.example/debian");
    assert.equal(apt.mirrorOf("new", options), undefined);
  },
);
