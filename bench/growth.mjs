/**
 * `npm run bench -- --growth`: what a request costs with 1,000 to 1,000,000 sessions in the storage. For each number
 * two processes run side by side, one with that many and one with 1,000, in slices one after the other; what is
 * printed are medians of paired slices. No storage here has a sweep of its own: memory removes what has expired while
 * others are written (kind E), Redis by itself.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { startService } from "../scripts/services.mjs";
import { quartiles } from "./stats.mjs";
import { number, table, targetLine, verdict } from "./tables.mjs";
import { judged } from "./targets.mjs";

const NUMBERS = [1000, 10_000, 100_000, 1_000_000];
const SLICE_MS = 200;
const KINDS = { memory: ["R", "W", "E"], redis: ["R", "W"] };
const SAYS = { R: "read", W: "write", E: "write, while all others have expired" };

/** Measures the storages that were chosen. */
export async function run({ storages, seconds, quiet }) {
  const rounds = Math.max(5, Math.round((seconds * 1000) / SLICE_MS));
  const results = [];
  for (const storage of storages) {
    for (const sessions of NUMBERS) {
      if (!quiet) console.error(`… ${storage}, ${sessions} sessions`);
      results.push(...(await compared(storage, sessions, rounds)));
    }
  }
  const rows = results.map(({ storage, sessions, kind, cpu, ofFewest }) => [
    `${storage}, ${SAYS[kind]}`,
    `${sessions}`,
    number(cpu.median),
    number(ofFewest.median),
    `${number(ofFewest.q1)}–${number(ofFewest.q3)}`,
    "",
  ]);
  console.log(`\n${table([["", "sessions", "CPU µs", "× 1,000", "(quartiles)", ""], ...rows]).join("\n")}`);
  const targets = results
    .filter(({ sessions }) => sessions === NUMBERS.at(-1))
    .map(({ storage, kind, ofFewest }) => ({ storage, kind, target: judged("growth", ofFewest.median) }));
  for (const { storage, kind, target } of targets) console.log(`    ${storage}, ${SAYS[kind]}: ${verdict(target)}`);
  console.log(`    ${targetLine("growth")}`);
  return { growth: results, targets };
}

async function compared(storage, sessions, rounds) {
  const services = storage === "redis" ? [await startService("redis"), await startService("redis")] : [];
  const [few, many] = [NUMBERS[0], sessions].map(
    (count, i) => new Child({ storage, sessions: count, redis: services[i]?.url }),
  );
  try {
    await Promise.all([few.ask("fill"), many.ask("fill")]);
    const results = [];
    for (const kind of KINDS[storage]) {
      const pairs = [];
      for (let round = -2; round < rounds; round++) {
        const pair = [await few.ask(kind), await many.ask(kind)];
        if (round >= 0) pairs.push(pair);
      }
      results.push({
        storage,
        sessions,
        kind,
        cpu: quartiles(pairs.map(([, cpu]) => cpu)),
        ofFewest: quartiles(pairs.map(([fewest, cpu]) => cpu / fewest)),
      });
    }
    return results;
  } finally {
    for (const child of [few, many]) child.stop();
    await Promise.all(services.map((service) => service.stop()));
  }
}

/** A process with so many sessions. */
class Child {
  #process;
  #waiting = [];

  constructor(what) {
    this.#process = fork(
      fileURLToPath(new URL("growing.mjs", import.meta.url)),
      [JSON.stringify({ ...what, sliceMs: SLICE_MS })],
      { execArgv: ["--max-old-space-size=6144"], stdio: ["ignore", "inherit", "inherit", "ipc"] },
    );
    this.#process.on("message", (message) => this.#waiting.shift().resolve(message.cpu));
    this.#process.on("exit", (code, signal) =>
      this.#waiting
        .splice(0)
        .forEach(({ reject }) => reject(new Error(`a process of the measurement ended: ${signal ?? code}`))),
    );
  }

  ask(what) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#process.send(what);
    });
  }

  stop() {
    this.#process.kill();
  }
}
