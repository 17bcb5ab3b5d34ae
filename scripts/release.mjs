/**
 * `npm run release`: everything that must be so before a version is published, then a trial; `npm run release --
 * --publish` publishes it. Run it in a CI that npm knows as a trusted publisher: the package then carries a
 * provenance statement (SLSA) of the commit it was built from.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { npm, root } from "./setup.mjs";

const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const isTrial = !process.argv.includes("--publish");

const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();

/** What stands in the way, in words. */
function obstacles() {
  const found = [];
  if (git("status", "--porcelain") !== "") found.push("there are changes that are not committed");
  if (!git("tag", "--points-at", "HEAD").split("\n").includes(`v${version}`))
    found.push(`this commit has no tag v${version}`);
  if (!readFileSync(join(root, "CHANGELOG.md"), "utf8").includes(`\n## ${version}\n`))
    found.push(`CHANGELOG.md has no heading ${version}`);
  if (!isTrial && !process.env.CI) found.push("provenance needs CI: publish from there");
  return found;
}

async function must(what, args) {
  if ((await npm(args)) !== 0) throw new Error(`${what} failed: nothing was published`);
}

const inTheWay = obstacles();
for (const obstacle of inTheWay) console.error(isTrial ? `to be done before publishing: ${obstacle}` : obstacle);
if (inTheWay.length > 0 && !isTrial) process.exit(1);
await must("npm test -- --all", ["test", "--", "--all"]);
await must("npm run sbom", ["run", "sbom"]);
const publishing = ["publish", "--ignore-scripts", "--access", "public"];
await must(
  `npm publish of ${name} ${version}`,
  isTrial ? [...publishing, "--dry-run"] : [...publishing, "--provenance"],
);
