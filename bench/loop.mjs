/**
 * `npm run bench -- --loop`: the work of one request without a network: each server is in a process with its only
 * client. Other work on the machine only makes slices slower, so the fastest quarter of them is compared.
 */
import { entrants } from "./contenders/index.mjs";
import { KINDS } from "./kinds.mjs";
import { Process } from "./processes.mjs";
import { quartiles } from "./stats.mjs";
import { number, table } from "./tables.mjs";

const COUNT = 300;
/** So many slices come first: V8 compiles what they run. */
const WARM = 20;
/** A share of less than this is noise, in µs. */
const LEAST = 1;
const COMPARED = ["bare", "floor", "holdfast"];

/** Measures the frameworks, kind by kind: `[{ kind, framework, name, us, added, ofNode }]`, in µs of CPU time. */
export async function run({ frameworks, kinds, seconds, quiet }) {
  const rows = [];
  for (const kind of kinds) {
    if (!quiet) console.error(`… ${kind}`);
    rows.push(...(await measured(kind, frameworks, seconds)));
  }
  console.log(table([HEADS, ...rows.map(cells)]).join("\n"));
  return { loop: rows };
}

async function measured(kind, frameworks, seconds) {
  const begun = frameworks.flatMap((framework) =>
    entrants(framework, "memory")
      .filter(({ contender, kinds }) => COMPARED.includes(contender) && kinds.includes(kind))
      .map(({ contender, variant, name }) => ({
        framework,
        name,
        slices: [],
        process: new Process("looped.mjs", [JSON.stringify({ framework, contender, variant })]),
      })),
  );
  try {
    await Promise.all(begun.map(({ process }) => process.ask()));
    const end = performance.now() + seconds * 1000 * begun.length;
    for (let round = -WARM; round < WARM || performance.now() < end; round++)
      for (const { process, slices } of shuffled(begun)) {
        const us = await process.ask({ kind, count: COUNT });
        if (round >= 0) slices.push(us);
      }
    return compared(kind, begun);
  } finally {
    await Promise.all(begun.map(({ process }) => process.stop()));
  }
}

/** Added: to the bare framework. Of node: what a session adds, in that of the same contender on `node:http`. */
function compared(kind, all) {
  const usOf = (framework, name) => {
    const one = all.find((each) => each.framework === framework && each.name === name);
    return one && quartiles(one.slices).q1;
  };
  return all.map(({ framework, name }) => {
    const us = usOf(framework, name);
    const added = us - usOf(framework, "bare");
    const node = usOf("node", name) - usOf("node", "bare");
    return { kind, framework, name, us, added, ofNode: node > LEAST ? added / node : undefined };
  });
}

function shuffled(list) {
  return list
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

const HEADS = ["", "CPU µs", "added", "× node", ""];

function cells({ kind, framework, name, us, added, ofNode }) {
  return [
    `${kind}  ${framework}, ${name}: ${KINDS[kind].says}`,
    number(us),
    name === "bare" ? "" : number(added),
    ofNode === undefined ? "" : number(ofNode),
    "",
  ];
}
