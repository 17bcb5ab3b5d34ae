/** README.md, the page on npm: short, with links that work there, programs that run, and figures that were measured. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Client } from "../support/client.js";
import { blocksOf, pageAt, root, run } from "./pages.js";
import { links } from "./site.js";

const { freePort } = (await import(new URL("../../scripts/services/lib.mjs", import.meta.url).href)) as {
  freePort(): Promise<number>;
};

const text = readFileSync(join(root, "README.md"), "utf8");
const programs = blocksOf(text).filter(({ language }) => language === "ts");
const directory = join(root, "build", `readme-${process.pid}`);
mkdirSync(directory, { recursive: true });
after(() => rmSync(directory, { recursive: true, force: true }));

/** The framework that a program is for. */
const frameworkOf = (code: string): string => /"holdfast\/(\w+)"/.exec(code)![1]!;

test("it has at most 8 kB, and begins with a sentence, an install line and a login", () => {
  assert.ok(Buffer.byteLength(text) <= 8192, `${Buffer.byteLength(text)} bytes`);
  const [sentence, install, login] = [/^Sessions for .*overlap/m, /^npm install holdfast$/m, /authenticate\(/].map(
    (part) => text.search(part),
  );
  assert.ok(sentence! > 0 && sentence! < install! && install! < login! && login! < 1200);
});

test("every link is an address, so that it works on npm", () => {
  const relative = links.linksOf(text).filter(({ to }) => !to.startsWith("https://"));
  assert.deepEqual(relative, []);
});

test("its rows of the comparison are rows of what was measured", () => {
  const measured = pageAt("understand/comparison").text;
  const rowsOf = (page: string): string[][] =>
    [...page.matchAll(/^\| (.*) \|$/gm)].map(([, row]) => row!.split(" | "));
  const titles = rowsOf(measured).find((cells) => cells.some((cell) => cell.startsWith("express-session ")))!;
  const [own, other] = ["Holdfast ", "express-session "].map((name) =>
    titles.findIndex((cell) => cell.startsWith(name)),
  );
  const [, section = ""] = text.split("## Measured beside the usual library");
  const rows = rowsOf(section.split("\n## ")[0]!).filter(([line]) => line!.length > 10);
  assert.equal(rows.length, 3);
  for (const [line, ...cells] of rows) {
    const [start = "", rest] = line!.split(", also ");
    const found = rowsOf(measured).findIndex(([first]) => first === start);
    assert.ok(found >= 0, start);
    const row = rest
      ? rowsOf(measured)
          .slice(found)
          .find(([first]) => first === `… also ${rest}`)!
      : rowsOf(measured)[found]!;
    assert.deepEqual(cells, [row[own!], row[other!]], line);
  }
});

test("its promises are the seven of the site, with the same names", () => {
  const namesOf = (page: string): string[] => [...page.matchAll(/^\d\. \*\*(.*?)\*\*/gm)].map(([, name]) => name!);
  assert.deepEqual(namesOf(text), namesOf(pageAt("understand/promises").text));
  assert.equal(namesOf(text).length, 7);
});

test("its programs compile", async () => {
  for (const [i, { code }] of programs.entries()) writeFileSync(join(directory, `program-${i}.ts`), code);
  const compilerOptions = {
    rootDir: ".",
    outDir: ".",
    declaration: false,
    declarationMap: false,
    sourceMap: false,
    isolatedDeclarations: false,
    noUnusedLocals: false,
    skipLibCheck: true,
  };
  writeFileSync(
    join(directory, "tsconfig.json"),
    JSON.stringify({ extends: "../../src/tsconfig.json", compilerOptions, include: ["."], exclude: [] }),
  );
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  assert.deepEqual(await run(process.execPath, [tsc, "-p", directory]), { output: "", code: 0 });
});

test("there is one for each framework, of at most twelve lines", () => {
  const logins = programs.filter(({ code }) => code.includes("authenticate"));
  assert.deepEqual(
    logins.map(({ code }) => frameworkOf(code)),
    ["express", "fastify", "hono", "koa", "fetch"],
  );
  for (const { code } of logins) {
    const lines = code.split("\n").filter((line) => line.trim());
    assert.ok(lines.length <= 12, `${frameworkOf(code)}: ${lines.length} lines`);
  }
});

for (const [i, { code }] of programs.entries()) {
  if (!code.includes("authenticate")) continue;
  test(`${frameworkOf(code)}: a visitor logs in, is known, and logs out`, async (t) => {
    const client = new Client(await started(t, join(directory, `program-${i}.js`)));
    assert.equal((await client.get("/")).body, "a visitor");
    assert.equal((await client.post("/login")).status, 302);
    assert.equal((await client.get("/")).body, "user-7");
    assert.equal((await client.post("/logout")).status, 302);
    assert.equal((await client.get("/")).body, "a visitor");
  });
}

/** Serves a program on a free port: by itself, or what it exports by Hono's server. */
async function started(t: TestContext, file: string): Promise<string> {
  const port = await freePort();
  const program = readFileSync(file, "utf8").replaceAll("3000", String(port));
  const served = program.includes("export default")
    ? program
        .replace("export default", "const exported =")
        .concat(
          `\nconst { serve } = await import("@hono/node-server");\nserve({ fetch: exported.fetch, port: ${port} });\n`,
        )
    : program;
  writeFileSync(file, served);
  const child = spawn(process.execPath, [file], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  t.after(() => ended(child));
  const origin = `http://127.0.0.1:${port}`;
  for (let tries = 0; child.exitCode === null && tries < 200; tries++) {
    if (
      await fetch(origin).then(
        () => true,
        () => false,
      )
    )
      return origin;
    await wait(50);
  }
  throw new Error(`${file} does not listen`);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, "exit");
  child.kill();
  await exit;
}
