/** `npm run sbom`: the software bill of materials of what is published (CycloneDX), to dist/sbom.cdx.json. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, setup } from "./setup.mjs";

/** Makes the bill: the library, and whatever is installed with it. */
export function billOfMaterials() {
  const omitted = ["dev", "optional", "peer"].map((kind) => `--omit=${kind}`);
  const args = ["sbom", "--package-lock-only", "--sbom-format=cyclonedx", ...omitted];
  const path = process.env.npm_execpath;
  const [command, all] = path ? [process.execPath, [path, ...args]] : ["npm", args];
  const bill = JSON.parse(
    execFileSync(command, all, {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      shell: !path && process.platform === "win32",
    }),
  );
  // npm takes the name of the directory.
  bill.metadata.component.name = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).name;
  return bill;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await setup();
  const bill = billOfMaterials();
  writeFileSync(join(root, "dist", "sbom.cdx.json"), `${JSON.stringify(bill, undefined, 2)}\n`);
  console.log(
    `dist/sbom.cdx.json: ${bill.metadata.component.name} ${bill.metadata.component.version} and ` +
      `${bill.components.length} dependencies`,
  );
}
