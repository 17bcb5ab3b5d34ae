/**
 * `npm run lock`: rebuilds package-lock.json from nothing, after a change of dependencies. A registry that mirrors
 * only some platforms leaves the builds for others out of it, and `npm ci` then refuses the file on every machine;
 * they are named here instead.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { npm, root } from "./setup.mjs";

const BUILD =
  /\b(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-(arm64|arm|ia32|loong64|ppc64|riscv64|s390x|x64)(?:-(.+))?$/;

const directory = mkdtempSync(join(tmpdir(), "holdfast-lock-"));
try {
  for (const file of ["package.json", ".npmrc"]) cpSync(join(root, file), join(directory, file));
  if ((await npm(["install", "--package-lock-only", "--ignore-scripts"], { cwd: directory })) !== 0)
    throw new Error("npm install failed");
  const lock = JSON.parse(readFileSync(join(directory, "package-lock.json"), "utf8"));
  lock.packages = sorted({ ...lock.packages, ...missing(lock.packages) });
  writeFileSync(join(root, "package-lock.json"), `${JSON.stringify(lock, null, 2)}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** The optional packages that nothing is written of. They have no checksum here: nobody could fetch them. */
function missing(packages) {
  const found = {};
  for (const { optionalDependencies = {}, license } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      if (!Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)))
        found[`node_modules/${name}`] = entry(name, version, license);
    }
  }
  return found;
}

function entry(name, version, license) {
  const [, os, cpu, abi = ""] = BUILD.exec(name) ?? [];
  if (os === undefined || !/^\d/.test(version))
    throw new Error(`${name}@${version} is no build for one platform; what is it for?`);
  const libc = os !== "linux" || abi === "" ? {} : { libc: [abi.startsWith("musl") ? "musl" : "glibc"] };
  return { version, cpu: [cpu], dev: true, ...libc, license, optional: true, os: [os] };
}

function sorted(packages) {
  return Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en")));
}
