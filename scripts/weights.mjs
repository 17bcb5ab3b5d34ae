/**
 * `node scripts/weights.mjs`: writes test/package/weights.json anew, from what each entry point weighs now: how many
 * modules it loads, what it imports from elsewhere, and how many bytes its bundle may take, minified and gzipped.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { installBench } from "./bench-packages.mjs";
import { root, setup } from "./setup.mjs";

const FILE = join(root, "test", "package", "weights.json");
/** A bundle may grow by so much before somebody looks at it. */
const HEADROOM = 1.02;
/** Below this share of its limit a bundle may grow by too much. */
const LEAST = 0.9;
const BYTES = ["minified", "gzipped"];

/** What each entry of the built library weighs: `{ modules, foreign, minified, gzipped }` by name. */
export async function weigh() {
  await installBench();
  const { entries, sizeOf } = await import("../bench/size.mjs");
  return Object.fromEntries(await Promise.all(entries().map(async ({ name, file }) => [name, await sizeOf(file)])));
}

/** The limits that are kept. */
export function readLimits() {
  return JSON.parse(readFileSync(FILE, "utf8"));
}

/** The limits for what an entry weighs: exact, but for bytes, which are rounded up to tens. */
export function limitsOf({ modules, foreign, minified, gzipped }) {
  const most = (bytes) => Math.ceil((bytes * HEADROOM) / 10) * 10;
  return { modules, minified: most(minified), gzipped: most(gzipped), foreign };
}

/** Where weights are not what the limits say, in words. */
export function complaints(weights, limits) {
  const names = [...new Set([...Object.keys(weights), ...Object.keys(limits)])];
  return names.flatMap((name) => {
    if (!limits[name]) return [`${name} has no limits`];
    if (!weights[name]) return [`${name} has limits and is no entry`];
    return complaintsOf(weights[name], limits[name]).map((text) => `${name} ${text}`);
  });
}

function complaintsOf(weight, limits) {
  const found = [];
  if (weight.modules !== limits.modules) found.push(`loads ${weight.modules} modules, not ${limits.modules}`);
  if (`${weight.foreign}` !== `${limits.foreign}`)
    found.push(`imports ${listed(weight.foreign)} from elsewhere, not ${listed(limits.foreign)}`);
  for (const kind of BYTES) {
    if (weight[kind] > limits[kind]) found.push(`takes ${weight[kind]} bytes ${kind}, more than ${limits[kind]}`);
    if (weight[kind] < LEAST * limits[kind])
      found.push(`takes ${weight[kind]} bytes ${kind}, far less than ${limits[kind]}: lower the limit`);
  }
  return found;
}

/** The file with the limits for these weights, an entry a line. */
export function fileOf(weights) {
  const rows = Object.entries(weights).map(([name, weight]) => `  ${JSON.stringify(name)}: ${row(limitsOf(weight))}`);
  return `{\n${rows.join(",\n")}\n}\n`;
}

function row(limits) {
  return `{ ${Object.entries(limits)
    .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)
    .join(", ")} }`;
}

function listed(names) {
  return names.length === 0 ? "nothing" : names.join(", ");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await setup();
  writeFileSync(FILE, fileOf(await weigh()));
}
