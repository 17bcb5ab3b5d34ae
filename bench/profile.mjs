/**
 * `npm run bench -- --profile`: for each kind of request alone where the server's CPU time goes, what it allocates,
 * and what collecting that takes. CPU and allocations are profiled in processes of their own: neither sees what the
 * other costs.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { startService } from "../scripts/services.mjs";
import { entrants } from "./contenders/index.mjs";
import { Load, Server } from "./processes.mjs";
import { bytesOf, summary, timesOf, totalOf } from "./profiles.mjs";
import { number } from "./tables.mjs";

/** Profiles Holdfast, or the contenders that were chosen. */
export async function run(options) {
  const redis = options.storages.includes("redis") ? await startService("redis") : undefined;
  const directory =
    options.json === undefined ? mkdtempSync(join(tmpdir(), "holdfast-profile-")) : resolve(options.json);
  mkdirSync(directory, { recursive: true });
  try {
    for (const framework of options.frameworks) {
      for (const storage of options.storages) {
        for (const entrant of entrants(framework, storage).filter(({ contender, name }) =>
          (options.names ?? ["holdfast"]).some((wanted) => wanted === contender || wanted === name),
        )) {
          for (const kind of options.kinds.filter((one) => entrant.kinds.includes(one)))
            await profile({ ...entrant, framework, storage, redis: redis?.url }, kind, directory, options);
        }
      }
    }
  } finally {
    await redis?.stop();
    if (options.json === undefined) rmSync(directory, { recursive: true });
  }
}

async function profile(what, kind, directory, options) {
  const file = join(directory, [what.framework, what.storage, what.name.replaceAll(" ", "-"), kind].join("-"));
  console.log(`\n${what.framework}, ${what.storage}, ${what.name}, ${kind}`);
  console.log((await cpu(what, kind, `${file}.cpuprofile`, options)).join("\n"));
  console.log((await allocations(what, kind, `${file}.heapprofile`, options)).join("\n"));
}

/** What the server did while it started is part of the profile, not of the time a request took. */
async function cpu(what, kind, file, options) {
  const flags = [
    "--cpu-prof",
    "--cpu-prof-interval=200",
    `--cpu-prof-dir=${dirname(file)}`,
    `--cpu-prof-name=${basename(file)}`,
  ];
  const seen = await warm(what, kind, flags, options, async (server, load) => {
    const before = await server.cpu();
    const { requests } = await load();
    return { requests, cpu: (await server.cpu()) - before };
  });
  return [
    `\n  ${number(seen.cpu / seen.requests)} µs of CPU a request while profiled`,
    ...summary(timesOf(JSON.parse(readFileSync(file, "utf8")))),
  ];
}

/** Garbage is watched first, since the samples of allocations are garbage themselves. */
async function allocations(what, kind, file, options) {
  const { calm, sampled } = await warm(what, kind, [], options, async (server, load) => ({
    calm: await server.garbage(load),
    sampled: await server.allocations(load),
  }));
  writeFileSync(file, JSON.stringify(sampled.profile));
  const bytes = bytesOf(sampled.profile);
  return [
    `\n  ${number(totalOf(bytes) / sampled.requests)} bytes allocated a request`,
    ...summary(bytes, sampled.requests),
    `\n  garbage collection, in 1000 requests: ${["minor", "major"].map((age) => collected(age, calm)).join(", ")}`,
  ];
}

function collected(age, { garbage, requests }) {
  const { count, ms } = garbage[age];
  return `${number((count * 1000) / requests)} ${age} in ${number((ms * 1000) / requests)} ms`;
}

/**
 * What `work` answers about a warm server; it is given the server, and what loads it for the time that was asked for.
 */
async function warm(what, kind, flags, { connections, seconds, warmUp }, work) {
  const load = new Load();
  const server = await Server.start(what, flags);
  try {
    await load.open(server.port, connections, what.contender !== "bare");
    await load.run(server.port, kind, warmUp.first);
    return await work(server, () => load.run(server.port, kind, { ms: seconds * 1000 }));
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
}
