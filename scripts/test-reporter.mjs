/** Reporter of node:test for `run-tests.mjs`: one line of JSON for each thing it has to know. */
import { inspect } from "node:util";

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
  yield line({ type: "complete" });
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
