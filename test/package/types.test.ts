import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

interface Npm {
  fromNpm(packages: Record<string, string>): string;
}

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;

/** Types of runtimes: of the versions that `test/runtimes` runs. */
const RUNTIME_TYPES = { "bun-types": "1.4.5", "@cloudflare/workers-types": "5.20261117.1" };

/** Those of Deno, under a name that is no part of the directory `@types`, which belongs to all. */
const DENO_TYPES = { "@types/deno": "2.7.0" };

/** Libraries of schemas; valibot is among the dependencies. */
const SCHEMA_LIBRARIES = { zod: "4.6.7", arktype: "2.2.10" };

/** Other session libraries of Fastify, whose types are beside ours. */
const NEIGHBOURS = { "@fastify/session": "11.1.3", "@fastify/cookie": "11.1.5", "@fastify/flash": "6.0.5" };

/** NestJS, whose decorators are compiled. */
const NEST = { "@nestjs/common": "12.5.1", "@nestjs/core": "12.5.1", "reflect-metadata": "0.2.2", rxjs: "7.8.2" };

/** Clients whose types are not among the dependencies. */
const CLIENT_TYPES = { mariadb: "3.5.4", "@electric-sql/pglite": "0.5.17" };

/**
 * The projects under `test/package/types` are compiled, not run, in an application of their own that has the built package
 * installed.
 */
const root = fileURLToPath(new URL("../../", import.meta.url));
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const application = install();
after(() => rmSync(application, { recursive: true, force: true }));

const RESOLUTIONS = {
  nodenext: ["--module", "nodenext"],
  bundler: [
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
    "--exactOptionalPropertyTypes",
    "--noUncheckedIndexedAccess",
  ],
};

function install(): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-types-"));
  const [modules, own] = [join(directory, "node_modules"), join(directory, "node_modules", "holdfast")];
  mkdirSync(own, { recursive: true });
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".") && name !== "holdfast" && name !== "@fastify")
      symlinkSync(join(root, "node_modules", name), join(modules, name), "junction");
  }
  const types = join(fromNpm(RUNTIME_TYPES), "node_modules");
  mkdirSync(join(modules, "@cloudflare"), { recursive: true });
  for (const name of Object.keys(RUNTIME_TYPES)) symlinkSync(join(types, name), join(modules, name), "junction");
  symlinkSync(join(fromNpm(DENO_TYPES), "node_modules", "@types", "deno"), join(modules, "deno-types"), "junction");
  const clients = join(fromNpm(CLIENT_TYPES), "node_modules");
  mkdirSync(join(modules, "@electric-sql"), { recursive: true });
  for (const name of Object.keys(CLIENT_TYPES)) symlinkSync(join(clients, name), join(modules, name), "junction");
  const schemas = join(fromNpm(SCHEMA_LIBRARIES), "node_modules");
  for (const name of ["zod", "arktype", "@ark", "arkregex"])
    symlinkSync(join(schemas, name), join(modules, name), "junction");
  const nest = join(fromNpm(NEST), "node_modules");
  for (const name of ["@nestjs", "reflect-metadata", "rxjs", "@standard-schema"])
    symlinkSync(join(nest, name), join(modules, name), "junction");
  const neighbours = join(fromNpm(NEIGHBOURS), "node_modules");
  mkdirSync(join(modules, "@fastify"), { recursive: true });
  for (const name of Object.keys(NEIGHBOURS)) symlinkSync(join(neighbours, name), join(modules, name), "junction");
  for (const name of readdirSync(join(root, "node_modules", "@fastify")))
    symlinkSync(join(root, "node_modules", "@fastify", name), join(modules, "@fastify", name), "junction");
  for (const name of ["dist", "package.json"]) cpSync(join(root, name), join(own, name), { recursive: true });
  cpSync(join(root, "test", "package", "types"), join(directory, "types"), { recursive: true });
  cpSync(join(root, "examples", "workers"), join(directory, "types", "example-of-workers"), { recursive: true });
  writeFileSync(join(directory, "package.json"), '{ "private": true, "type": "module" }');
  return directory;
}

/** What the compiler says about our declarations and the project; what others' packages get wrong is theirs. */
function complaints(project: string, args: readonly string[]): Promise<string[]> {
  const command = [compiler, "-p", `types/${project}`, "--preserveSymlinks", "--pretty", "false", ...args];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, command, { cwd: application }, (error, stdout, stderr) => {
      if (error && stdout === "") return reject(new Error(stderr, { cause: error }));
      const messages = stdout.split(/\r?\n(?! )/).filter((message) => message !== "");
      resolve(messages.filter((message) => !/^node_modules\/(?!holdfast\/)/.test(message)));
    });
  });
}

for (const [resolution, args] of Object.entries(RESOLUTIONS)) {
  test(`${resolution}: every adapter's call site needs no cast, and mistakes are errors`, async () => {
    assert.deepEqual(await complaints("declared", args), []);
  });

  test(`${resolution}: the connect entry works together with another session library's types`, async () => {
    assert.deepEqual(await complaints("beside-express-session", args), []);
  });

  test(`${resolution}: the drop-in for express-session has its types, and declarations of session data stay`, async () => {
    assert.deepEqual(await complaints("express-session", args), []);
  });

  test(`${resolution}: the plain entry for Fastify works together with the types of @fastify/session`, async () => {
    assert.deepEqual(await complaints("beside-fastify-session", args), []);
  });

  test(`${resolution}: the entry for Fastify lives beside @fastify/flash; with two declarations nothing is any`, async () => {
    assert.deepEqual(await complaints("beside-fastify-flash", args), []);
    assert.deepEqual(await complaints("beside-both", args), []);
  });

  test(`${resolution}: fetch and Hono need no types of Node`, async () => {
    assert.deepEqual(await complaints("without-node", args), []);
  });

  for (const [runtime, own] of [
    ["bun", "BunRequest, undefined after server.upgrade()"],
    ["workers", "ExportedHandler<Env>"],
    ["deno", "Deno.serve and Deno.openKv"],
    ["next", "NextRequest"],
    ["nest", "decorators with metadata"],
  ] as const) {
    test(`${resolution}: on ${runtime}, ${own} needs no cast`, async () => {
      assert.deepEqual(await complaints(`on-${runtime}`, args), []);
    });
  }

  test(`${resolution}: clients of databases are handed in without a cast`, async () => {
    assert.deepEqual(await complaints("on-clients", args), []);
  });

  test(`${resolution}: types of keys come from schemas of zod, valibot and arktype, on each adapter`, async () => {
    assert.deepEqual(await complaints("schemas", args), []);
  });

  test(`${resolution}: where no data are declared, a key's error says what to write`, async () => {
    const messages = await complaints("undeclared", args);
    assert.equal(messages.length, 1, messages.join("\n"));
    assert.match(messages[0] ?? "", /^types\/undeclared\/message\.ts\(4,/);
    assert.match(
      messages[0] ?? "",
      /declare module \\?"holdfast\\?" \{ interface SessionData \{ … \} \}, or session<Data>\(…\)/,
    );
  });
}

test("an exported Hono router can be declared, and keeps its data's types", async () => {
  assert.deepEqual(
    await complaints("declared", [
      "--noEmit",
      "false",
      "--emitDeclarationOnly",
      "--outDir",
      "out",
      "--rootDir",
      "types",
    ]),
    [],
  );
  const declared = readFileSync(join(application, "out", "declared", "hono.d.ts"), "utf8");
  assert.match(declared, /export declare const router: import\("hono\/hono-base"\)\.HonoBase<SessionEnv<Data>/);
});

test("the example for Workers compiles by its own configuration", async () => {
  assert.deepEqual(await complaints("example-of-workers", []), []);
});
