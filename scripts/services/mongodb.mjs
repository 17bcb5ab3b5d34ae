import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../setup.mjs";
import { freePort, HOST, MissingProgram, program, Server, temporaryDirectory } from "./lib.mjs";

/** The server that speaks MongoDB's protocol, over SQLite: no registry has MongoDB's own. */
const MODULE = "github.com/FerretDB/FerretDB";
const VERSION = "v1.24.0";
/**
 * Of two updates of FerretDB 1 that name the same version and overlap, both are done, where MongoDB does one: it
 * reads the document and writes it in two steps. Here it runs one command at a time, which is atomic as MongoDB's
 * are.
 */
const ONE_AT_A_TIME = {
  file: ["internal", "clientconn", "conn.go"],
  before: "\t\treturn cmd.Handler(connCtx, msg)\n",
  now: "\t\toneAtATime <- struct{}{}\n\t\tdefer func() { <-oneAtATime }()\n\t\treturn cmd.Handler(connCtx, msg)\n",
  declared: "\nvar oneAtATime = make(chan struct{}, 1)\n",
};
const ADVICE = "install Go 1.22 or newer, or name a MongoDB in HOLDFAST_TEST_MONGODB_URL";

/** One FerretDB. */
export async function start() {
  const command = ferretdb();
  const port = await freePort();
  const directory = temporaryDirectory("mongodb");
  const args = [
    "--handler=sqlite",
    `--sqlite-url=file:${directory}/?_pragma=synchronous(off)`,
    `--state-dir=${directory}`,
    `--listen-addr=${HOST}:${port}`,
    "--debug-addr=-",
    "--telemetry=disable",
    "--log-level=error",
  ];
  const server = await new Server({ name: "mongodb", command, args, port, directory }).start();
  return { url: `mongodb://${HOST}:${port}/app`, version: `FerretDB ${VERSION.slice(1)}`, servers: [server] };
}

/** The program; built from its source where it was not yet, which takes a minute. */
function ferretdb() {
  const cache = join(root, "node_modules", ".cache", "holdfast");
  const built = join(cache, `ferretdb-${VERSION}-one-at-a-time`);
  if (existsSync(built)) return built;
  const go = goProgram();
  console.error(`Building FerretDB ${VERSION} (go build) …`);
  const directory = join(cache, `ferretdb-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  try {
    build(go, join(directory, "source"), join(directory, "ferretdb"));
    renameSync(join(directory, "ferretdb"), built);
  } catch (error) {
    throw new MissingProgram(`FerretDB could not be built (${lastLine(error)}): ${ADVICE}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return built;
}

function goProgram() {
  try {
    return program("go", { apt: "golang-go", within: ["/usr/local/go/bin"] });
  } catch (error) {
    throw new MissingProgram(`${error.message}; ${ADVICE}`);
  }
}

/** Its module lacks a file that says which version it is: it ends at once without. */
function build(go, source, program) {
  const options = {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOFLAGS: "-mod=mod" },
  };
  const { Dir } = JSON.parse(
    execFileSync(go, ["mod", "download", "-json", `${MODULE}@${VERSION}`], { ...options, cwd: root }),
  );
  cpSync(Dir, source, { recursive: true });
  execFileSync("chmod", ["-R", "u+w", source]);
  writeFileSync(join(source, "build", "version", "version.txt"), `${VERSION}-one-at-a-time\n`);
  changeSource(join(source, ...ONE_AT_A_TIME.file));
  execFileSync(go, ["build", "-tags", "ferretdb_no_postgresql", "-o", program, "./cmd/ferretdb"], {
    ...options,
    cwd: source,
  });
}

function changeSource(file) {
  const text = readFileSync(file, "utf8");
  const { before, now, declared } = ONE_AT_A_TIME;
  if (!text.includes(before)) throw new Error(`there is no ${before.trim()} in ${file}`);
  writeFileSync(file, text.replace(before, now) + declared);
}

function lastLine(error) {
  return String(error.stderr || error.message)
    .trim()
    .split("\n")
    .at(-1);
}
