/**
 * `node bench/markdown.mjs FILE`: what `npm run bench -- --json FILE` wrote, as the tables of docs/understand/performance.md.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { entrants, isPeer } from "./contenders/index.mjs";
import { KINDS } from "./kinds.mjs";
import { number } from "./tables.mjs";
import { targetsOf } from "./targets.mjs";

const HEAD = [
  "",
  "added µs",
  "× floor, or share of a node answer (quartiles)",
  "requests/s",
  "the fastest other library",
  "× that",
];

/** One table for each storage: a row for each framework and kind of request. */
export function tables({ groups }) {
  const storages = [...new Set(groups.map(({ storage }) => storage))];
  return storages
    .map((storage) =>
      [`**${storage}**`, "", ...table(groups.filter((group) => group.storage === storage))].join("\n"),
    )
    .join("\n\n");
}

function table(groups) {
  const rows = groups.flatMap((group) => Object.keys(KINDS).map((kind) => row(group, kind)));
  return [HEAD, HEAD.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

/** A target that is missed is marked. */
function row(group, kind) {
  const name = kind === "T" ? "holdfast lazy" : "holdfast";
  const result = group.results.find((one) => one.kind === kind && one.name === name);
  const ratio = ["T", "N"].includes(kind) ? result.addedOfNode : result.addedOfFloor;
  const verdicts = targetsOf(result, group);
  const missed = (target) => (verdicts.some((one) => one.name === target && !one.passed) ? " **missed**" : "");
  const peer = fastestPeer(group, kind);
  const beside = verdicts.find((one) => one.name === "ofPeers");
  return [
    `${group.framework} ${kind}${name === "holdfast" ? "" : " (lazy)"}`,
    number(result.added.median),
    `${number(ratio.median)} (${number(ratio.q1)}–${number(ratio.q3)})${missed("ofFloor")}${missed("ofNode")}`,
    number(result.perSecond.median),
    peer ? `${peer.name}, ${number(peer.perSecond.median)}` : "–",
    beside ? `${number(beside.value)}${missed("ofPeers")}` : "–",
  ];
}

function fastestPeer({ framework, storage, results }, kind) {
  const names = entrants(framework, storage)
    .filter(isPeer)
    .map(({ name }) => name);
  return results
    .filter((one) => one.kind === kind && names.includes(one.name))
    .sort((a, b) => b.perSecond.median - a.perSecond.median)[0];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  console.log(tables(JSON.parse(readFileSync(process.argv[2], "utf8"))));
