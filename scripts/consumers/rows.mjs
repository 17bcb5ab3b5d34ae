/** The rows of scripts/package-check.mjs: one for each way in which the package is used. */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fromNpm } from "../from-npm.mjs";
import { root } from "../setup.mjs";
import {
  BUNDLES,
  entriesOf,
  handlerOf,
  IMPORTED,
  NEST_IMPORTED,
  NEST_PROGRAM,
  NEST_REQUIRED,
  REQUIRED,
  SERVERS,
  VISIT,
  VISITS,
} from "./programs.mjs";

/** The newest patch of every minor that is promised. */
const TYPESCRIPT = ["5.4.5", "5.5.4", "5.6.3", "5.7.3", "5.8.3", "5.9.3", "6.0.3", "7.0.2"];
/** The first that reads the names of exports as strings, which holdfast/express-session has for `require`. */
const FIRST_WITH_STRINGS = 5.6;
/** The first that accepts `import` of an ES module in a CommonJS one, where Node does. */
const FIRST_WITH_REQUIRE = 5.8;

const RESOLUTIONS = {
  node16: { module: "node16", moduleResolution: "node16" },
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
};

/** What applications are written with: the versions that the project's own tests use. */
const FRAMEWORKS = {
  express: "5.3.0",
  "@types/express": "5.0.6",
  "@types/express-session": "1.19.0",
  fastify: "5.12.8",
  hono: "4.13.19",
  koa: "3.3.0",
  "@types/koa": "3.0.3",
  "@types/node": "20.19.43",
};
/** The oldest that the ranges of peerDependencies allow. */
const OLDEST = {
  express: "4.17.3",
  "@types/express": "4.17.17",
  fastify: "5.0.0",
  hono: "4.0.0",
  koa: "3.0.0",
  "@types/koa": "2.15.0",
  "@types/node": "20.19.43",
};
/** The oldest of each major version that the range of peerDependencies allows. */
const NEST = { 12: "12.0.1", 11: "11.0.0" };
const NEST_PEERS = { "reflect-metadata": "0.2.2", rxjs: "7.8.2" };
const RUNNERS = {
  jest: "30.5.2",
  "babel-jest": "30.5.2",
  "@babel/core": "7.28.5",
  "@babel/plugin-transform-modules-commonjs": "7.27.1",
  vitest: "4.1.12",
};
const BUNDLERS = { esbuild: "0.28.2", rolldown: "1.3.3", webpack: "5.113.0" };

const MODULE = { type: "module" };

export const ROWS = [
  { name: "npm: publish --dry-run", play: published },
  { name: "npm: publint", play: linted },
  { name: "npm: are the types wrong", play: typesRight },
  { name: "node: import of every entry", play: imports },
  { name: "node: require of every entry", play: requires },
  { name: "node: CommonJS application", play: commonJs },
  ...["express", "fastify", "hono", "koa"].map((name) => ({
    name: `server: ${name} in strict TypeScript`,
    play: (bench) => serves(bench, name),
  })),
  { name: "server: nestjs, import and require", play: servesNest },
  { name: "peers: the oldest of the ranges", play: oldestPeers },
  ...TYPESCRIPT.flatMap((version) =>
    Object.entries(RESOLUTIONS).map(([resolution, options]) => ({
      name: `typescript ${version}: ${resolution}`,
      play: (bench) => compiles(bench, version, resolution, options),
    })),
  ),
  ...TYPESCRIPT.map((version) => ({
    name: `typescript ${version}: CommonJS module`,
    play: (bench) => compilesCommonJs(bench, version),
  })),
  { name: "test: node:test", play: withNodeTest },
  { name: "test: jest, ES modules", play: withJest },
  { name: "test: jest, CommonJS", play: withJestCommonJs },
  { name: "test: vitest", play: withVitest },
  ...Object.keys(BUNDLERS).map((name) => ({ name: `bundle: ${name}`, play: (bench) => bundles(bench, name) })),
];

async function published(bench) {
  const path = process.env.npm_execpath;
  const args = ["publish", "--dry-run", "--ignore-scripts", "--access", "public", bench.packed.tarball];
  execFileSync(path ? process.execPath : "npm", path ? [path, ...args] : args, { cwd: root, stdio: "pipe" });
  const { size, unpackedSize, entryCount } = bench.packed;
  return `${kilobytes(size)} packed, ${kilobytes(unpackedSize)} unpacked, ${entryCount} files`;
}

function linted(bench) {
  return bench
    .node(root, [join(root, "node_modules", "publint", "src", "cli.js"), "--strict", bench.packed.tarball])
    .then(none);
}

function typesRight(bench) {
  const attw = join(root, "node_modules", "@arethetypeswrong", "cli", "dist", "index.js");
  const options = ["--profile", "esm-only", "--format", "table", "--no-emoji", "--no-color"];
  return bench.node(root, [attw, bench.packed.tarball, ...options]).then(none);
}

/** In a project that has nothing but the package. */
async function imports(bench) {
  const directory = await bench.project("alone");
  bench.write(directory, { "import.js": `${entriesOf(bench.entries)}console.log(all.length);` });
  return `${(await bench.node(directory, ["import.js"])).trim()} entries`;
}

async function requires(bench) {
  const directory = await bench.project("alone");
  const lines = bench.entries.map(
    (name) =>
      `{ const it = require("${name}"); if (typeof it !== "function" && !Object.keys(it)[0]) throw "${name}"; }`,
  );
  bench.write(directory, { "require.cjs": lines.join("\n") });
  await bench.node(directory, ["require.cjs"]);
  return `${lines.length} entries`;
}

async function commonJs(bench) {
  const directory = await bench.project("alone");
  bench.write(directory, { "app.cjs": `${handlerOf(REQUIRED)}${VISIT}visit(asked(handler));` });
  await bench.node(directory, ["app.cjs"]);
}

/** With all peers: those that are not listed here in the newest version that their range allows. */
function servers(bench) {
  const { peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return bench.project("servers", { ...peerDependencies, ...FRAMEWORKS, typescript: TYPESCRIPT.at(-1) });
}

/** Compiled by the newest TypeScript, then run. */
async function serves(bench, framework) {
  const directory = await servers(bench);
  const own = join(directory, framework);
  bench.write(own, {
    [`${framework}.ts`]: SERVERS[`${framework}.ts`],
    "tsconfig.json": tsconfig(RESOLUTIONS.nodenext, [`${framework}.ts`], { noEmit: false }),
    "run.js": `import { app } from "./${framework}.js";\n${VISIT}${VISITS[framework]}`,
  });
  await compile(bench, join(directory, "node_modules", "typescript"), own);
  await bench.node(own, ["run.js"]);
}

/** An application without decorators' syntax, as JavaScript has none; version 11 is CommonJS. */
async function servesNest(bench) {
  for (const [major, version] of Object.entries(NEST)) {
    const packages = ["common", "core", "platform-express"].map((name) => [`@nestjs/${name}`, version]);
    const directory = await bench.project(`nest-${major}`, { ...Object.fromEntries(packages), ...NEST_PEERS });
    bench.write(directory, {
      "app.js": `${NEST_IMPORTED}${NEST_PROGRAM}`,
      "app.cjs": `${NEST_REQUIRED}${NEST_PROGRAM}`,
    });
    for (const file of ["app.js", "app.cjs"]) await bench.node(directory, [file]);
  }
  return Object.values(NEST).join(", ");
}

async function oldestPeers(bench) {
  const directory = await bench.project("oldest", { ...OLDEST, typescript: TYPESCRIPT.at(-1) });
  for (const framework of ["express", "fastify", "hono", "koa"]) {
    const own = join(directory, framework);
    bench.write(own, {
      [`${framework}.ts`]: SERVERS[`${framework}.ts`],
      "tsconfig.json": tsconfig(RESOLUTIONS.bundler, [`${framework}.ts`], { noEmit: false }),
      "run.js": `import { app } from "./${framework}.js";\n${VISIT}${VISITS[framework]}`,
    });
    await compile(bench, join(directory, "node_modules", "typescript"), own);
    await bench.node(own, ["run.js"]);
  }
  return Object.entries(OLDEST)
    .filter(([name]) => !name.startsWith("@types/"))
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}

/** Every entry and every server, with everything checked that is imported. */
async function compiles(bench, version, resolution, options) {
  const directory = await servers(bench);
  const own = join(directory, `typescript-${version}-${resolution}`);
  const entries = bench.typed.filter((name) => !isDropin(name));
  bench.write(own, {
    ...SERVERS,
    "entries.ts": entriesOf(entries),
    "package.json": MODULE,
    "tsconfig.json": tsconfig(options, [...Object.keys(SERVERS), "entries.ts"]),
  });
  const said = await compile(bench, typescript(version), own);
  if (Number.parseFloat(version) < FIRST_WITH_STRINGS) return `without holdfast/express-session; ${said}`;
  const other = join(own, "dropin");
  bench.write(other, {
    "entries.ts": entriesOf(bench.entries.filter(isDropin)),
    "tsconfig.json": tsconfig(options, ["entries.ts"]),
  });
  await compile(bench, typescript(version), other);
  return said;
}

/** From 5.8 on a CommonJS module imports the package as it is; older ones need `import()`. */
async function compilesCommonJs(bench, version) {
  const directory = await servers(bench);
  const own = join(directory, `typescript-${version}-commonjs`);
  const imports = Number.parseFloat(version) >= FIRST_WITH_REQUIRE;
  const program = imports
    ? 'import { session } from "holdfast/fetch";\nexport const sessions = session();\n'
    : 'export const sessions = import("holdfast/fetch").then(({ session }) => session());\n';
  bench.write(own, { "app.cts": program, "tsconfig.json": tsconfig(RESOLUTIONS.nodenext, ["app.cts"]) });
  await compile(bench, typescript(version), own);
  return imports ? "import" : "import()";
}

/** What takes the place of express-session comes with its types, beside which `req.session` cannot be ours. */
const isDropin = (name) => /^holdfast\/express-session(\/|$)/.test(name);

function typescript(version) {
  const all = Object.fromEntries(TYPESCRIPT.map((one) => [`typescript-${one}`, `npm:typescript@${one}`]));
  return join(fromNpm(all), "node_modules", `typescript-${version}`);
}

function tsconfig(options, files, more = {}) {
  return {
    compilerOptions: {
      ...options,
      ...more,
      target: "es2022",
      lib: ["es2023"],
      types: ["node"],
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      ...(more.noEmit === false ? {} : { noEmit: true }),
    },
    files,
  };
}

/** Throws if the compiler says anything about the application or this package; answers what it says of other packages. */
async function compile(bench, compiler, directory) {
  const output = await bench
    .node(directory, [join(compiler, "bin", "tsc"), "-p", ".", "--pretty", "false"])
    .catch((error) => error.message);
  const messages = output.split(/\r?\n(?! )/).filter((line) => line !== "");
  const others = messages.filter((line) => /(^|\/)node_modules\/(?!holdfast\/)/.test(line));
  const own = messages.filter((line) => !others.includes(line));
  if (own.length > 0) throw new Error(own.join("\n"));
  return others.length > 0 ? `errors in the types of other packages: ${others.length}` : "";
}

const runners = (bench) => bench.project("runners", RUNNERS);
const testOf = (imported, more = "") =>
  `${more}${handlerOf(imported)}${VISIT}test("a login that holds", () => visit(asked(handler)));\n`;

async function withNodeTest(bench) {
  const directory = await bench.project("alone");
  bench.write(directory, { "session.test.js": testOf(IMPORTED, 'import { test } from "node:test";\n') });
  await bench.node(directory, ["--test", "session.test.js"]);
}

async function withJest(bench) {
  const directory = await runners(bench);
  const own = join(directory, "jest-esm");
  bench.write(own, { "package.json": { ...MODULE, jest: { transform: {} } }, "session.test.js": testOf(IMPORTED) });
  await bench.node(own, ["--experimental-vm-modules", jestOf(directory), "--ci"]);
}

/** Jest loads CommonJS alone: the package has to be transformed, as the page of consumers says. */
async function withJestCommonJs(bench) {
  const directory = await runners(bench);
  const own = join(directory, "jest-commonjs");
  const config = {
    transform: { "\\.js$": ["babel-jest", { plugins: ["@babel/plugin-transform-modules-commonjs"] }] },
    transformIgnorePatterns: ["/node_modules/(?!holdfast/)"],
  };
  bench.write(own, { "package.json": { jest: config }, "session.test.js": testOf(REQUIRED) });
  await bench.node(own, [jestOf(directory), "--ci"]);
}

const jestOf = (directory) => join(directory, "node_modules", "jest", "bin", "jest.js");

async function withVitest(bench) {
  const directory = await runners(bench);
  const own = join(directory, "vitest");
  bench.write(own, {
    "package.json": MODULE,
    "session.test.js": testOf(IMPORTED, 'import { test } from "vitest";\n'),
  });
  await bench.node(own, [join(directory, "node_modules", "vitest", "vitest.mjs"), "run", "--root", own]);
}

/** An application, which runs, and all entries in one bundle: neither may cause a warning. */
async function bundles(bench, bundler) {
  const directory = await bench.project("bundlers", BUNDLERS);
  const own = join(directory, bundler);
  bench.write(own, {
    "package.json": MODULE,
    "app.js": `${handlerOf(IMPORTED)}${VISIT}await visit(asked(handler));\nconsole.log("held");\n`,
    "entries.js": `${entriesOf(bench.entries)}console.log(all.length);\n`,
    "bundle.js": BUNDLES[bundler],
  });
  await bench.node(own, ["bundle.js", "app.js", "entries.js"]);
  const [held, count] = [await bench.node(own, ["out/app.js"]), await bench.node(own, ["out/entries.js"])];
  if (held.trim() !== "held" || Number(count) !== bench.entries.length) throw new Error(`${held}${count}`);
  return `${kilobytes(statSync(join(own, "out", "app.js")).size)} with holdfast/fetch`;
}

const none = () => "";
const kilobytes = (bytes) => `${Math.round(bytes / 1000)} kB`;
