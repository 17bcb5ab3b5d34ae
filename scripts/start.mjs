/**
 * `npm start`: makes the checkout ready, compiles the examples, and opens the demonstration with the shop beside it.
 * `npm start -- --framework NAME` opens a small shop on that framework instead.
 */
import { parseArgs } from "node:util";

const OPTIONS = {
  framework: { type: "string" },
  storage: { type: "string" },
  port: { type: "string" },
  help: { type: "boolean", short: "h" },
};

const USAGE = `npm start -- [options]

Opens a page that runs four experiments with express-session and with Holdfast, and a shop, the same in an application.

  --storage ADDRESS  where both keep their sessions; default: memory
                     redis://HOST:PORT, postgres://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE,
                     mongodb://HOST/DATABASE, dynamodb://REGION/TABLE, memcached://HOST:PORT, sqlite:FILE
  --framework NAME   opens a small shop on this framework instead: express, fastify, koa, hono,
                     connect, node, fetch, or a directory of examples that its framework compiles, like next or astro
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

async function open({ framework, storage, port }) {
  const what = framework === undefined ? "demonstration" : "shop";
  try {
    if (framework !== undefined && storage !== undefined)
      throw new Error("--storage is for the demonstration; leave it out with --framework");
    const { setup } = await import("./setup.mjs");
    const { buildExamples } = await import("./typecheck.mjs");
    await setup({ build: true });
    await buildExamples();
    if (process.env.npm_lifecycle_event) endWithShell();
    if (framework !== undefined) {
      const { openFramework } = await import("./framework.mjs");
      await openFramework(framework, port ?? process.env.PORT);
      return;
    }
    const { openDemonstration } = await import("../examples/dist/demo/open.js");
    await openDemonstration({ storage, port });
  } catch (error) {
    console.error(`The ${what} does not open: ${error instanceof Error ? error.message : error}`);
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
