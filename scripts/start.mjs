/** `npm start`: makes the checkout ready, compiles the examples, and opens the demonstration with the shop beside it. */
import { parseArgs } from "node:util";

const OPTIONS = { storage: { type: "string" }, port: { type: "string" }, help: { type: "boolean", short: "h" } };

const USAGE = `npm start -- [options]

Opens a page that runs four experiments with express-session and with Holdfast, and a shop, the same in an application.

  --storage ADDRESS  where both keep their sessions; default: memory
                     redis://HOST:PORT, postgres://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE,
                     mongodb://HOST/DATABASE, dynamodb://REGION/TABLE, memcached://HOST:PORT, sqlite:FILE
  --port NUMBER      default: PORT of the environment, else 3000, or a free one if 3000 is in use
  --help             prints this

HOST of the environment is the address to listen on; default: 127.0.0.1.`;

const LOOK_MS = 200;

const choices = choicesOf(process.argv.slice(2));
if (choices?.help) console.log(USAGE);
else if (choices) await open(choices);

/** What was chosen; undefined, with the reason printed, if it cannot be understood. */
function choicesOf(args) {
  try {
    return parseArgs({ args, options: OPTIONS }).values;
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function open({ storage, port }) {
  try {
    const { setup } = await import("./setup.mjs");
    const { buildExamples } = await import("./typecheck.mjs");
    await setup({ build: true });
    await buildExamples();
    const { openDemonstration } = await import("../examples/dist/demo/open.js");
    await openDemonstration({ storage, port });
    if (process.env.npm_lifecycle_event) endWithShell();
  } catch (error) {
    console.error(`The demonstration does not open: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}

/** npm hands a SIGTERM to the shell between us and it, which dies of it and tells nobody. */
function endWithShell() {
  const shell = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(look);
    process.kill(process.pid, "SIGTERM");
  }, LOOK_MS);
  look.unref();
}
