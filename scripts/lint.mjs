/** `npm run lint`: oxlint, with the rules that need types; prettier; lines of the library that are too long. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { filesBelow, root, run, setup } from "./setup.mjs";

const oxlint = join(root, "node_modules", "oxlint", "bin", "oxlint");
const prettier = join(root, "node_modules", "prettier", "bin", "prettier.cjs");
/** Which files were found formatted before, by their contents. */
const cache = join(root, "node_modules", ".cache", "holdfast", "prettier");
const CHECK = ["--check", "--log-level", "warn", "--cache", "--cache-strategy", "content", "--cache-location", cache];

/** What prettier formats. */
const FORMATTED = ["src", "test", "scripts", "bench", "examples"];
/** In columns. prettier does not break strings, comments and regular expressions. */
const LONGEST_LINE = 119;
const REGULAR_EXPRESSION = /^\s*\/.*\/[a-z]*[,;]$/;

/** Throws where a rule is broken; warnings count. */
export async function lint(...more) {
  const [rules, format] = await Promise.all([
    run(process.execPath, [oxlint, "--type-aware", "--deny-warnings", ...more]),
    run(process.execPath, [prettier, ...CHECK, ...FORMATTED]),
  ]);
  if (rules !== 0) throw new Error("oxlint found what is listed above");
  if (format !== 0) throw new Error("not formatted; run npm run format");
  const long = longLines();
  if (long.length > 0) throw new Error(`lines of more than ${LONGEST_LINE} columns:\n${long.join("\n")}`);
}

/** Lines of the library that are too long, as `file:line`. A regular expression cannot be broken. */
function longLines() {
  return filesBelow(join(root, "src"))
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) =>
      readFileSync(join(root, "src", file), "utf8")
        .split("\n")
        .map((line, i) => ({ line, place: `src/${file}:${i + 1}` }))
        .filter(({ line }) => line.length > LONGEST_LINE && !REGULAR_EXPRESSION.test(line))
        .map(({ place }) => place),
    );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await setup();
  await lint(...process.argv.slice(2));
}
