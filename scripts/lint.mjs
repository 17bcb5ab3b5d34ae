/** `npm run lint`: oxlint, with the rules that need types. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, run, setup } from "./setup.mjs";

const oxlint = join(root, "node_modules", "oxlint", "bin", "oxlint");

/** Throws where a rule is broken; warnings count. */
export async function lint(...more) {
  const status = await run(process.execPath, [oxlint, "--type-aware", "--deny-warnings", ...more]);
  if (status !== 0) throw new Error("oxlint found what is listed above");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await setup();
  await lint(...process.argv.slice(2));
}
