/** `npm run bench`, once everything is installed and built. */
import { writeFileSync } from "node:fs";
import { startService } from "../scripts/services.mjs";
import { entrants } from "./contenders/index.mjs";
import { machine, versions } from "./machine.mjs";
import { measureGroup } from "./measure.mjs";
import { HELP, parse } from "./options.mjs";
import { groupTable, targetLines } from "./tables.mjs";

/** Runs what the command line asks for. */
export async function main(args) {
  const options = parse(args);
  if (options.help) return console.log(HELP);
  const about = { machine: machine(), versions: versions(), options };
  console.log(aboutLines(about).join("\n"));
  const report = options.mode === "requests" ? await requests(options) : await (await import(`./${options.mode}.mjs`)).run(options);
  if (options.json !== undefined && options.mode !== "profile") writeFileSync(options.json, `${JSON.stringify({ ...about, ...report }, null, 2)}\n`);
}

/** Every framework on every storage, one after the other. */
async function requests(options) {
  const { frameworks, storages, seconds, sliceMs } = options;
  const redis = storages.includes("redis") ? await startService("redis") : undefined;
  const rounds = Math.max(3, Math.round((seconds * 1000) / sliceMs));
  const groups = [];
  try {
    for (const framework of frameworks) {
      for (const storage of storages.filter((one) => isWorth(framework, one, options))) {
        if (!options.quiet) console.error(`… ${framework}, ${storage}`);
        const group = await measureGroup({ ...options, framework, storage, rounds, warmUp: WARM_UP, redis: redis?.url });
        groups.push(group);
        console.log(groupTable(group));
      }
    }
  } finally {
    await redis?.stop();
  }
  console.log(["\n  targets", ...targetLines()].join("\n"));
  return { redis: redis?.version, groups };
}

/** Before it is measured each server answers so many requests of the kind, or for so long: compiled code is measured, not compiling. */
const WARM_UP = { count: 5000, ms: 1000 };

/** With contenders chosen, only where one of them takes part. */
function isWorth(framework, storage, { names }) {
  return names === undefined || entrants(framework, storage).some(({ contender }) => contender !== "bare" && names.includes(contender)) || names.every((name) => name === "bare");
}

function aboutLines({ machine, versions }) {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}; load ${machine.load.join(" ")}`, packages.join(", ")];
}
