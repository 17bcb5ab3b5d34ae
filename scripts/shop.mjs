/** `npm start`: makes the checkout ready, compiles the examples and opens the shop. */
import { setup } from "./setup.mjs";
import { buildExamples } from "./typecheck.mjs";

const LOOK_MS = 200;

try {
  await setup({ build: true });
  await buildExamples();
  await import("../examples/dist/shop/main.js");
  if (process.env.npm_lifecycle_event) endWithShell();
} catch (error) {
  console.error(`The shop does not open: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
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
