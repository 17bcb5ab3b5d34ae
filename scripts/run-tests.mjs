/**
 * Runs files of node:test, each in a process of its own, as many at a time as keep the processors busy; one that hangs
 * is ended and named.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./setup.mjs";

const REPORTER = fileURLToPath(new URL("test-reporter.mjs", import.meta.url));
/** Far above what any file takes: it is for what hangs. */
const FILE_TIMEOUT_MS = 240_000;
const MAX_OUTPUT = 20_000;
const PROCESSORS = Math.min(4, availableParallelism());
/** Beside those that compute, so many files may run that wait. */
const WAITING = 2;

/** Without the mark that a surrounding run of node:test leaves: it would silence the reporter. */
const { NODE_TEST_CONTEXT: _, ...ENVIRONMENT } = process.env;

/**
 * Runs the files, the first ones first; `done` is given the result of each as it ends: `{ file, seconds, cpu, passed,
 * names, skipped, failures, output }`. `loadOf` says how many processors a file keeps busy.
 */
export async function runTests(files, done, timeout = FILE_TIMEOUT_MS, loadOf = () => 1) {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-test-"));
  const running = new Set();
  const tidy = () => rmSync(directory, { recursive: true, force: true });
  const stop = () => {
    for (const child of running) kill(child);
    tidy();
    process.exit(130);
  };
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const waiting = [...files.entries()].map(([index, file]) => ({ index, file, load: loadOf(file) }));
  const begun = new Set();
  while (waiting.length > 0 || begun.size > 0) {
    for (let next = takeNext(waiting, begun); next; next = takeNext(waiting, begun)) begin(next);
    await Promise.race([...begun].map(({ ended }) => ended));
  }
  process.off("SIGINT", stop).off("SIGTERM", stop);
  tidy();

  function begin(job) {
    begun.add(job);
    const report = join(directory, `${job.index}.ndjson`);
    job.ended = runFile(job.file, report, running, timeout).then((result) => {
      begun.delete(job);
      done(result);
    });
  }
}

/** Takes the first file that leaves no more to compute than there are processors; any, where nothing runs. */
function takeNext(waiting, begun) {
  if (begun.size >= PROCESSORS + WAITING) return undefined;
  const busy = [...begun].reduce((sum, { load }) => sum + load, 0);
  const place = begun.size === 0 ? 0 : waiting.findIndex(({ load }) => busy + load <= PROCESSORS);
  return place < 0 ? undefined : waiting.splice(place, 1)[0];
}

async function runFile(file, reportFile, running, timeout) {
  const began = performance.now();
  const args = [
    "--enable-source-maps",
    `--test-reporter=${REPORTER}`,
    `--test-reporter-destination=${reportFile}`,
    file,
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
    detached: process.platform !== "win32",
  });
  running.add(child);
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"])
    child[stream].setEncoding("utf8").on("data", (text) => (output[stream] += text));
  const end = await ending(child, timeout);
  running.delete(child);
  const report = readReport(reportFile);
  return {
    file: relative(join(root, "build"), file),
    seconds: (performance.now() - began) / 1000,
    output: clipped(output),
    cpu: cpuOf(report),
    ...judge(report, end),
  };
}

/** In seconds; nothing of a file that did not come to its end. */
function cpuOf(events) {
  return events.find(({ type }) => type === "complete")?.cpu ?? 0;
}

/**
 * How a process ended: its exit code, a signal, or that it had to be ended. Helpers that it left behind end with it.
 */
function ending(child, timeout) {
  return new Promise((resolve, reject) => {
    let hung = false;
    const timer = setTimeout(() => {
      hung = true;
      kill(child);
    }, timeout);
    child.on("error", reject).on("exit", (code, signal) => {
      clearTimeout(timer);
      kill(child);
      child.once("close", () => resolve({ code, signal, hung: hung && timeout }));
    });
  });
}

function kill(child) {
  try {
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

function judge(events, { code, signal, hung }) {
  const of = (type) => events.filter((event) => event.type === type);
  const failures = of("failed");
  const names = of("passed").map(({ name }) => name);
  const passed = names.length;
  const skipped = of("skipped");
  const whole = (error) => failures.push({ name: "(the whole file)", error });
  if (hung)
    whole(
      `did not end within ${hung / 1000} s and was killed; running: ${unfinished(events).join(", ") || "no test"}`,
    );
  else if (signal) whole(`was ended by ${signal}`);
  else if (code !== 0 && failures.length === 0) whole(`ended with exit code ${code}, though no test failed`);
  else if (of("complete").length === 0)
    whole(`ended before its tests did; running: ${unfinished(events).join(", ") || "no test"}`);
  else if (passed + skipped.length + failures.length === 0) whole("ran no test");
  return { passed, names, skipped, failures };
}

function unfinished(events) {
  const names = [];
  for (const { type, name } of events) {
    if (type === "began") names.push(name);
    if (type === "ended" && names.includes(name)) names.splice(names.lastIndexOf(name), 1);
  }
  return names;
}

/** What was reported; a process that was killed leaves half a line, or no file. */
function readReport(file) {
  let lines;
  try {
    lines = readFileSync(file, "utf8").split("\n");
  } catch {
    return [];
  }
  return lines.slice(0, -1).map((text) => JSON.parse(text));
}

function clipped({ stdout, stderr }) {
  const clip = (text) => (text.length > MAX_OUTPUT ? `…${text.slice(-MAX_OUTPUT)}` : text).trimEnd();
  return { stdout: clip(stdout), stderr: clip(stderr) };
}
