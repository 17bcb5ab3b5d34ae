/** `npm run bench -- --profile`: where the server's CPU time goes, for each kind of request alone. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startService } from "../scripts/services.mjs";
import { entrants } from "./contenders/index.mjs";
import { Load, Server } from "./processes.mjs";
import { number, table } from "./tables.mjs";

const WARM_UP = { count: 5000, ms: 1000 };
const LINES = 30;

/** Profiles Holdfast, or the contenders that were chosen. */
export async function run(options) {
  const redis = options.storages.includes("redis") ? await startService("redis") : undefined;
  const directory = options.json === undefined ? mkdtempSync(join(tmpdir(), "holdfast-profile-")) : resolve(options.json);
  mkdirSync(directory, { recursive: true });
  try {
    for (const framework of options.frameworks) {
      for (const storage of options.storages) {
        for (const entrant of entrants(framework, storage).filter(({ contender, name }) => (options.names ?? ["holdfast"]).some((wanted) => wanted === contender || wanted === name))) {
          for (const kind of options.kinds.filter((one) => entrant.kinds.includes(one))) await profile({ ...entrant, framework, storage, redis: redis?.url }, kind, directory, options);
        }
      }
    }
  } finally {
    await redis?.stop();
    if (options.json === undefined) rmSync(directory, { recursive: true });
  }
}

async function profile(what, kind, directory, { connections, seconds }) {
  const file = [what.framework, what.storage, what.name.replaceAll(" ", "-"), kind].join("-");
  const load = new Load();
  const server = await Server.start(what, ["--cpu-prof", "--cpu-prof-interval=200", `--cpu-prof-dir=${directory}`, `--cpu-prof-name=${file}.cpuprofile`]);
  let seen;
  try {
    await load.open(server.port, connections, what.contender !== "bare");
    await load.run(server.port, kind, WARM_UP);
    const before = await server.cpu();
    const { requests } = await load.run(server.port, kind, { ms: seconds * 1000 });
    seen = { requests, cpu: ((await server.cpu()) - before) / requests };
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
  console.log(`\n${what.framework}, ${what.storage}, ${what.name}, ${kind}: ${number(seen.cpu)} µs of CPU a request while profiled`);
  console.log(summary(JSON.parse(readFileSync(join(directory, `${file}.cpuprofile`), "utf8"))).join("\n"));
}

/** Self time by function, and by file; what the server did while it started is part of it. */
function summary({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const busy = samples.map((id, i) => ({ frame: byId.get(id), time: timeDeltas[i] })).filter(({ frame }) => frame.functionName !== "(idle)" && frame.functionName !== "(program)");
  const total = busy.reduce((sum, { time }) => sum + time, 0);
  const shares = (nameOf, most) => {
    const sums = new Map();
    for (const { frame, time } of busy) sums.set(nameOf(frame), (sums.get(nameOf(frame)) ?? 0) + time);
    return [...sums].sort(([, a], [, b]) => b - a).slice(0, most).map(([name, time]) => [name, `${((time / total) * 100).toFixed(1)} %`, ""]);
  };
  return [...table([["by file", "", ""], ...shares(({ url, functionName }) => placeOf(url) || functionName, 16)]), ...table([["by function", "", ""], ...shares(({ url, functionName, lineNumber }) => `${functionName || "(anonymous)"}  ${placeOf(url)}${url ? `:${lineNumber + 1}` : ""}`, LINES)])];
}

function placeOf(url) {
  return url.replace(/^file:\/\/.*\/(?=(bench|dist)\/)/, "").replace(/^.*node_modules\//, "");
}
