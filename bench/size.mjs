/**
 * `npm run bench -- --size`: bytes of each entry point, bundled, minified and gzipped; its modules; and the time it
 * takes to import.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { quartiles } from "./stats.mjs";
import { number, table, targetLine, verdict } from "./tables.mjs";
import { judged } from "./targets.mjs";

const root = new URL("../", import.meta.url);
const IMPORTS = 7;
const CORE = ".";

/** Measures every entry of package.json. */
export async function run() {
  const sizes = [];
  for (const { name, file } of entries())
    sizes.push({ name, ...(await sizeOf(file)), importMs: importTime(new URL(file, root)) });
  const rows = sizes.map(({ name, modules, minified, gzipped, importMs }) => [
    name,
    `${modules}`,
    `${minified}`,
    `${gzipped}`,
    number(importMs.median),
    `${number(importMs.q1)}–${number(importMs.q3)}`,
    "",
  ]);
  console.log(
    `\n${table([["", "modules", "minified", "gzipped", "import ms", "(quartiles)", ""], ...rows]).join("\n")}`,
  );
  const target = judged("coreBytes", sizes.find(({ name }) => name === CORE).gzipped);
  console.log(`\n    ${verdict(target)}: ${targetLine(target.name)}`);
  return { sizes, targets: [target] };
}

/** The entries of package.json that are modules: `[{ name, file }]`. */
export function entries() {
  const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  return Object.entries(exports)
    .filter(([, entry]) => typeof entry === "object")
    .map(([name, entry]) => ({ name, file: entry.default }));
}

/**
 * Of a built file and all that it imports: `modules`, the bytes of its bundle `minified` and `gzipped`, and what it
 * imports from elsewhere, `foreign`.
 */
export async function sizeOf(file) {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(new URL(file, root))],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    write: false,
    metafile: true,
    logLevel: "error",
    packages: "external",
  });
  const [{ contents }] = outputFiles;
  const [entry] = Object.values(metafile.outputs);
  return {
    ...loaded(entry.entryPoint, metafile.inputs),
    minified: contents.length,
    gzipped: gzipSync(contents, { level: 9 }).length,
  };
}

/** What is loaded with a module: what it imports statically, and what that does. */
function loaded(entryPoint, inputs) {
  const own = new Set([entryPoint]);
  const foreign = new Set();
  for (const path of own) {
    const imports = inputs[path].imports.filter(({ kind }) => kind === "import-statement");
    for (const { path: to, external } of imports) (external ? foreign : own).add(to);
  }
  return { modules: own.size, foreign: [...foreign].sort() };
}

/** In a process of its own each time, without the start of Node. */
function importTime(url) {
  const program = `const began = performance.now(); await import(${JSON.stringify(url.href)}); console.log(performance.now() - began);`;
  return quartiles(
    Array.from({ length: IMPORTS }, () =>
      Number(execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" })),
    ),
  );
}
