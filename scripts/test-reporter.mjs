/** Reporter of node:test for `run-tests.mjs`: one line of JSON for each thing it has to know. */
import { readdirSync, readFileSync } from "node:fs";
import { inspect } from "node:util";

/** What `/proc` counts in: there are 100 to a second on every Linux. */
const TICKS_PER_SECOND = 100;

export default async function* report(events) {
  const path = [];
  for await (const { type, data } of events) {
    if (type === "test:start") path.splice(data.nesting, Infinity, data.name);
    if (type === "test:dequeue") yield line({ type: "began", name: data.name });
    if (type !== "test:pass" && type !== "test:fail") continue;
    yield line({ type: "ended", name: data.name });
    const outcome = outcomeOf(type, data);
    if (outcome) yield line({ ...outcome, name: [...path.slice(0, data.nesting), data.name].join(" › ") });
  }
  yield line({ type: "complete", cpu: cpuSeconds() });
}

/** Seconds of processor time that this process took, and on Linux what it started too. */
function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6 + started();
}

function started() {
  try {
    const processes = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap(statOf);
    const below = (parent) => processes.filter((one) => one.parent === parent);
    const ticksOf = (one) => one.own + one.ended + sum(below(one.id).map(ticksOf));
    const self = processes.find(({ id }) => id === process.pid);
    return (self.ended + sum(below(process.pid).map(ticksOf))) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

/** The parent of a process, the time it took, and that of its children that ended; nothing where it has gone. */
function statOf(id) {
  try {
    const text = readFileSync(`/proc/${id}/stat`, "utf8");
    const [, parent, , , , , , , , , , user, system, ofEnded, systemOfEnded] = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    return [{ id: Number(id), parent, own: user + system, ended: ofEnded + systemOfEnded }];
  } catch {
    return [];
  }
}

function outcomeOf(type, { skip, todo, details }) {
  const { error } = details;
  if (error?.failureType === "subtestsFailed") return undefined;
  if (todo !== undefined && todo !== false) return { type: "skipped", why: `to do: ${todo}` };
  if (type === "test:fail")
    return { type: "failed", error: described(error?.cause instanceof Error ? error.cause : error) };
  if (details.type === "suite") return undefined;
  return skip === undefined || skip === false ? { type: "passed" } : { type: "skipped", why: String(skip) };
}

/** The message of a failed assertion has its values already; the runner's own frames help nobody. */
function described(error) {
  const text = error?.code === "ERR_ASSERTION" ? error.stack : inspect(error, { depth: 6 });
  return text.replace(/\n +at .*node:(internal|async_hooks).*/g, "");
}

function line(event) {
  return `${JSON.stringify(event)}\n`;
}
