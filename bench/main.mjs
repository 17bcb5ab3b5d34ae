/** `npm run bench`, once everything is installed and built. */
import { writeFileSync } from "node:fs";
import { startService } from "../scripts/services.mjs";
import { longest, spoken } from "./duration.mjs";
import { machine, versions } from "./machine.mjs";
import { measureGroup } from "./measure.mjs";
import { HELP, parse } from "./options.mjs";
import { groupsOf } from "./roster.mjs";
import { groupTable, targetLines } from "./tables.mjs";

/** Runs what the command line asks for. */
export async function main(args) {
  const options = parse(args);
  if (options.help) return console.log(HELP);
  const about = { machine: machine(), versions: versions(), options };
  console.log(aboutLines(about).join("\n"));
  const report =
    options.mode === "requests"
      ? await requests(options)
      : await (await import(`./${options.mode}.mjs`)).run(options);
  if (options.json !== undefined && options.mode !== "profile")
    writeFileSync(options.json, `${JSON.stringify({ ...about, ...report }, null, 2)}\n`);
}

/** Every group, one after the other. */
async function requests(options) {
  const { storages, quiet } = options;
  const began = performance.now();
  if (!quiet) console.error(`… at most ${spoken(longest(options))}`);
  const redis = storages.includes("redis") ? await startService("redis") : undefined;
  const groups = [];
  try {
    for (const { framework, storage } of groupsOf(options)) {
      if (!quiet) console.error(`… ${framework}, ${storage}`);
      const group = await measureGroup({ ...options, framework, storage, redis: redis?.url });
      groups.push(group);
      console.log(groupTable(group));
    }
  } finally {
    await redis?.stop();
  }
  const seconds = (performance.now() - began) / 1000;
  console.log(["\n  targets", ...targetLines(), `\n  took ${spoken(seconds)}`].join("\n"));
  return { redis: redis?.version, seconds, groups };
}

function aboutLines({ machine, versions }) {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}, Node ` +
      `${machine.node}; load ${machine.load.join(" ")}`,
    packages.join(", "),
  ];
}
