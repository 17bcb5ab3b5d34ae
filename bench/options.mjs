/** The command line of `npm run bench`. */
import { parseArgs } from "node:util";
import { CONTENDERS, FRAMEWORKS, STORAGES } from "./contenders/index.mjs";
import { KINDS, MEASURED } from "./kinds.mjs";

export const HELP = `npm run bench [-- OPTION …]

  --short                  a sensible part of the matrix, under ten minutes
  --framework a,b          ${FRAMEWORKS.join(", ")}
  --contender a,b          ${Object.keys(CONTENDERS).join(", ")} (bare always takes part)
  --storage a,b            ${STORAGES.join(", ")}
  --kind a,b               ${Object.entries(KINDS)
    .map(([name, { says }]) => `${name} ${says}`)
    .join("\n                           ")}
  --seconds 5              measured time of each contender and kind
  --slice 250              length of a slice in ms
  --connections 16         connections, each with a session of its own
  --latency 1ms            between server and database, there and back
  --json FILE              all results as JSON
  --quiet                  no progress on stderr

  --micro                  the parts alone: token, hash, cookie, codec, plan, memory, a request without a server
  --loop                   one request without a network: the server and its client in one process, in memory
                           (takes --framework, --kind, --seconds)
  --heap                   bytes per session in memory, and after they expired
  --size                   bytes of each entry point, bundled, and the time it takes to import
  --growth                 cost of a request and of a sweep, from 1,000 to 1,000,000 sessions
  --profile                where the server's CPU time goes, what it allocates and what collecting that takes
                           (takes --framework, --contender, --storage, --kind, --seconds; --json DIRECTORY keeps the profiles)
`;

const MODES = ["micro", "loop", "heap", "size", "growth", "profile"];

/** What was asked for; throws a TypeError that says what there is. */
export function parse(args) {
  const flags = Object.fromEntries(
    ["short", "help", "quiet", ...MODES].map((name) => [name, { type: "boolean", default: false }]),
  );
  const texts = Object.fromEntries(
    ["framework", "contender", "storage", "kind", "seconds", "slice", "connections", "latency", "json"].map(
      (name) => [name, { type: "string" }],
    ),
  );
  const { values } = parseArgs({ args, options: { ...flags, ...texts } });
  const short = values.short ? SHORT : {};
  const kinds = listed("kind", values.kind, MEASURED, Object.keys(KINDS));
  const seconds = numeric("seconds", values.seconds ?? short.seconds ?? "5");
  const sliceMs = numeric("slice", values.slice ?? short.slice ?? "250");
  return {
    help: values.help,
    quiet: values.quiet,
    short: values.short,
    mode: MODES.find((mode) => values[mode]) ?? "requests",
    frameworks: listed("framework", values.framework, short.frameworks ?? FRAMEWORKS, FRAMEWORKS),
    names:
      values.contender === undefined ? undefined : listed("contender", values.contender, [], Object.keys(CONTENDERS)),
    storages: listed("storage", values.storage, STORAGES, STORAGES),
    kinds: MEASURED.filter((kind) => kinds.includes(kind)),
    seconds,
    sliceMs,
    rounds: Math.max(3, Math.round((seconds * 1000) / sliceMs)),
    warmUp: short.warmUp ?? WARM_UP,
    connections: numeric("connections", values.connections ?? "16"),
    latency: numeric("latency", (values.latency ?? "0").replace(/ms$/, ""), 0),
    json: values.json,
  };
}

/**
 * Before it is measured each server answers so many requests of the kind, or for so long: compiled code is measured,
 * not compiling.
 */
const ENOUGH = { count: 5000, ms: 1000 };
/** The first kind of request that a server is asked, and those that find most of its code compiled. */
const WARM_UP = { first: ENOUGH, again: ENOUGH };

/**
 * Ten groups of less than a minute each. Slices are shorter than otherwise: many short ones tell more than few long
 * ones.
 */
const SHORT = {
  frameworks: ["node", "express", "fastify", "koa", "hono"],
  seconds: "0.75",
  slice: "125",
  warmUp: { first: ENOUGH, again: { count: 5000, ms: 400 } },
};

function listed(option, text, otherwise, all) {
  const chosen = text === undefined ? otherwise : text.split(",");
  const unknown = chosen.find((one) => !all.includes(one));
  if (unknown !== undefined) throw new TypeError(`--${option} ${unknown}: there are ${all.join(", ")}`);
  return chosen;
}

function numeric(option, text, least = 1e-3) {
  const value = Number(text);
  if (!(value >= least)) throw new TypeError(`--${option} ${text} is no number of at least ${least}`);
  return value;
}
