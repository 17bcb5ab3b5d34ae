import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { aptInstall } from "../apt.mjs";
import { root } from "../setup.mjs";
import { find, freePort, HOST, mayInstall, MissingProgram, Server, withApt } from "./lib.mjs";

/** What stands in for DynamoDB, and what its server needs of its many extras. */
const PACKAGES = ["moto[dynamodb]==5.2.1", "flask==3.1.2", "flask-cors==6.0.1"];
const ADVICE = "install Python 3.10 or newer with venv and pip, or name a DynamoDB in HOLDFAST_TEST_DYNAMODB_URL";

/**
 * Of two conditional writes that overlap moto may do both, where DynamoDB does one: it looks at the item and writes
 * it in two steps. Here it answers one request at a time.
 */
const ONE_AT_A_TIME = `
import sys, threading
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

moto = DomainDispatcherApplication(create_backend_app)
one = threading.Lock()

def answer(environ, start_response):
    with one:
        return moto(environ, start_response)

run_simple(sys.argv[1], int(sys.argv[2]), answer, threaded=True)
`;

/** One moto: the requests of DynamoDB, in memory. */
export async function start() {
  const command = join(environment(), "bin", "python");
  const port = await freePort();
  const server = await new Server({
    name: "dynamodb",
    command,
    args: ["-c", ONE_AT_A_TIME, HOST, `${port}`],
    port,
  }).start();
  return { url: `http://${HOST}:${port}`, version: `moto ${/[\d.]+$/.exec(PACKAGES[0])[0]}`, servers: [server] };
}

/**
 * The directory of a virtual environment that has it, made where it is missing. It names its own path, so it is made
 * in its place.
 */
function environment() {
  const cache = join(root, "node_modules", ".cache", "holdfast");
  const directory = join(cache, "moto-5.2.1");
  const whole = join(cache, "moto-5.2.1-is-whole");
  if (existsSync(whole)) return directory;
  mkdirSync(cache, { recursive: true });
  try {
    const python = pythonProgram();
    console.error("Installing moto (pip) …");
    const script = `set -e; [ -e '${whole}' ] || { rm -rf '${directory}'; '${python}' -m venv '${directory}'; '${directory}/bin/pip' install -q --disable-pip-version-check ${PACKAGES.map((name) => `'${name}'`).join(" ")}; touch '${whole}'; }`;
    execFileSync("flock", [join(cache, "moto.lock"), "sh", "-c", script], {
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
    });
  } catch (error) {
    throw new MissingProgram(
      `moto could not be installed (${String(error.stderr || error.message)
        .trim()
        .split("\n")
        .at(-1)}): ${ADVICE}`,
    );
  }
  return directory;
}

/** Debian's Python lacks what makes an environment, which is a package of its own. */
function pythonProgram() {
  const python = find("python3");
  if (python && hasVenv(python)) return python;
  if (!mayInstall()) throw new Error("there is no python3 with venv");
  withApt(aptInstall(["python3", "python3-venv"]), "python3-venv");
  return find("python3");
}

function hasVenv(python) {
  try {
    execFileSync(python, ["-c", "import venv, ensurepip"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
