import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ADAPTERS } from "../support/apps.js";
import { within } from "../support/within.js";

const CHILD = fileURLToPath(new URL("life-child.js", import.meta.url));

interface Life {
  readonly tokens: readonly string[];
  readonly shown: string;
  readonly errors: number;
  /** What the process printed. */
  readonly printed: string;
}

/** A whole life on an adapter, in a process of its own with every debug output on. */
function lifeOn(adapter: string): Promise<Life> {
  const env = { ...process.env, DEBUG: "*", NODE_ENV: "development" };
  const child = fork(CHILD, [adapter], { env, stdio: ["ignore", "pipe", "pipe", "ipc"] });
  let printed = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const ended = new Promise<Life>((resolve, reject) => {
    let told: Omit<Life, "printed"> | undefined;
    child.on("message", (message: Omit<Life, "printed">) => (told = message));
    child
      .on("error", reject)
      .on("close", (code) =>
        code === 0 && told
          ? resolve({ ...told, printed })
          : reject(new Error(`ended with ${code}:\n${printed.slice(-3000)}`)),
      );
  });
  return within(90_000, `a life on ${adapter}`, ended).finally(() => child.kill("SIGKILL"));
}

test("attack 99: no token is in any output, error, page, event, trace, inspection or storage command of a whole life, with every debug output on", async (t) => {
  for (const { name } of ADAPTERS) {
    await t.test(name, async () => {
      const { tokens, shown, printed, errors } = await lifeOn(name);
      assert.ok(tokens.length >= 12 && tokens.every((token) => /^[\w-]{43}$/.test(token)), String(tokens.length));
      for (const witness of ["the end", 'Session { keys: ["n"', "Error: mine, with Session {"])
        assert.ok(`${printed}\n${shown}`.includes(witness), `${witness} was shown`);
      for (const witness of ["duplicate", "holdfast:", "the storage failed at", "id_"])
        assert.ok(shown.includes(witness), `${witness} was shown`);
      assert.ok(errors >= 5, `${errors} errors`);
      for (const token of tokens) {
        assert.ok(!shown.includes(token), around(shown, token));
        assert.ok(!printed.includes(token), around(printed, token));
      }
    });
  }
});

/** Where a token was shown. */
function around(text: string, token: string): string {
  const at = text.indexOf(token);
  return `a token was shown: …${text.slice(Math.max(0, at - 300), at)}(here)${text.slice(at + token.length, at + token.length + 200)}…`;
}
