/** Finds a Chrome or Chromium for the browser tests; installs Debian's where that disturbs nobody. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { aptInstall, aptUpdate } from "./apt.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge"];

const APPLICATIONS = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ...["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"].map((name) =>
    join(process.env[name] ?? "", "Google", "Chrome", "Application", "chrome.exe"),
  ),
];

/** What a headless browser of a test is started with, beside a fresh profile directory. */
export const chromiumFlags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * The path of a browser. `CHROMIUM` names one; else an installed one; else, as root in CI or a container, apt's.
 * Throws otherwise.
 */
export function ensureChromium() {
  const found = findChromium();
  if (found) return found;
  if (!mayInstall())
    throw new Error(
      "The browser tests need Chrome or Chromium: install one (Debian, Ubuntu: apt-get install chromium), or " +
        "name it in CHROMIUM",
    );
  install();
  const installed = findChromium();
  if (!installed) throw new Error("apt installed chromium, but there is none in PATH");
  return installed;
}

function findChromium() {
  const named = process.env.CHROMIUM;
  if (named && !isExecutable(named)) throw new Error(`CHROMIUM names ${named}, which is no program`);
  const inPath = (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((directory) => NAMES.map((name) => join(directory, name)));
  return [named ?? "", ...inPath, ...APPLICATIONS].find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function mayInstall() {
  const isRoot = process.getuid?.() === 0;
  const isContainer = existsSync("/.dockerenv") || existsSync("/run/.containerenv");
  return isRoot && (Boolean(process.env.CI) || isContainer);
}

function install() {
  console.log("Installing chromium (apt-get) …");
  const options = {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  };
  execFileSync("sh", ["-c", `set -e\n${aptUpdate()}\n${aptInstall(["chromium"])}`], options);
}
