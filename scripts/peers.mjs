/**
 * `npm run peers`: what Holdfast and other session libraries keep when requests overlap and when the storage fails,
 * each asked the same over HTTP, on a Redis of their own. `npm run peers -- --markdown` prints the table of
 * docs/understand/comparison.md.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { text } from "node:stream/consumers";
import { markdown, plain } from "../bench/peers/table.mjs";
import { installBench } from "./bench-packages.mjs";
import { runtimeFromNpm } from "./from-npm.mjs";
import { startService } from "./services.mjs";
import { root, setup } from "./setup.mjs";

/** What all the libraries run on. */
const OLDEST_NODE = [22, 13];

/** Runs the probes; answers what was seen. The library must have been built. */
export async function seenOfPeers() {
  await installBench();
  const redis = await startService("redis");
  try {
    return {
      date: new Date().toISOString().slice(0, 10),
      ...JSON.parse(await printedBy(join(root, "bench", "peers", "main.mjs"), redis.url)),
    };
  } finally {
    await redis.stop();
  }
}

async function printedBy(...args) {
  const child = spawn(node(), args, {
    cwd: root,
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const ended = new Promise((resolve, reject) =>
    child.once("error", reject).once("close", (code, signal) => resolve(signal ?? code)),
  );
  const [output, errors, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (end !== 0) throw new Error(`the probes ended with ${end}\n${errors}`);
  return output;
}

function node() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const isNewEnough = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return isNewEnough ? process.execPath : runtimeFromNpm("node");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await setup();
  const show = process.argv.includes("--markdown") ? markdown : plain;
  process.stdout.write(show(await seenOfPeers()));
}
