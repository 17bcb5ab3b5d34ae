/** What is played in each runtime: its parts, as data. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ADAPTERS } from "../support/apps.js";
import { mayBeMissing } from "../support/services.js";
import { playAnswers } from "./answers.js";
import { LIMITS, type Limit } from "./limits.js";
import { notPlayed } from "./meant.js";
import { Rows, type Report } from "./rows.js";
import {
  NEWEST,
  NODE_SERVERS,
  programOf,
  start,
  startAnswers,
  startOnNode,
  startOnWorkerd,
  workerdVersion,
  type RuntimeName,
  type Served,
} from "./start.js";
import { STORAGES } from "./storages.js";
import { opens, playAnswersOnNode, playSuites, playSuitesOnWorkerd } from "./suites.js";

/**
 * `adapters`: the adapter suite · `answers`: the rows of the answers matrix for fetch and Hono · `bodies`: every kind
 * of body and every Hono middleware on the runtime's own server · `storages`: the storage kit with each client ·
 * `limits`: what only this runtime is asked.
 */
export const PARTS = ["adapters", "answers", "bodies", "storages", "limits"] as const;
export type PartName = (typeof PARTS)[number];

export interface Runtime {
  readonly name: string;
  version(): Promise<string>;
  /** A part that is not there does not fit. */
  readonly parts: Readonly<Partial<Record<PartName, (report: Report) => Promise<void>>>>;
}

const OWN_SERVERS = { bun: () => start("bun"), deno: () => start("deno"), workerd: startOnWorkerd };

export const RUNTIMES: readonly Runtime[] = [
  ...(["node20", "node22", "node24", "node26"] as const).map(onNode),
  ...(["bun", "deno"] as const).map(
    (name): Runtime => ({
      name,
      version: () => versionOf(name),
      parts: {
        adapters: (report) => adapters(name, report),
        answers: (report) => onServer(startAnswers(name), (served) => playAnswers(served, report)),
        bodies: (report) => bodies(OWN_SERVERS[name], report),
        storages: (report) => storages(name, report),
        limits: (report) => limits(name, report),
      },
    }),
  ),
  {
    name: "workerd",
    version: async () => workerdVersion(),
    parts: {
      adapters: (report) => playSuitesOnWorkerd(played("workerd", "adapters", report), report),
      answers: (report) => onServer(startAnswers("workerd"), (served) => playAnswers(served, report)),
      bodies: (report) => bodies(OWN_SERVERS.workerd, report),
      storages: (report) => playSuitesOnWorkerd(played("workerd", "storages", report), report),
      limits: (report) => limits("workerd", report),
    },
  },
  {
    name: "edge-runtime",
    version: async () => "4.0.1",
    parts: { limits: (report) => limits("edge-runtime", report) },
  },
];

function onNode(name: RuntimeName): Runtime {
  const servers = name === "node20" ? NODE_SERVERS : [NEWEST];
  return {
    name,
    version: () => versionOf(name),
    parts: {
      adapters: (report) => adapters(name, report),
      answers: (report) => playAnswersOnNode(name, report),
      async bodies(report) {
        for (const version of servers) await bodies(() => startOnNode(name, version), report);
        await bodies(() => startOnNode(name, NEWEST, true), report);
      },
      storages: (report) => storages(name, report),
      limits: (report) => limits("node", report, programOf(name)),
    },
  };
}

async function versionOf(name: RuntimeName): Promise<string> {
  const { stdout } = await promisify(execFile)(programOf(name), ["--version"]);
  return /\d+\.\d+\.\d+/.exec(stdout)![0];
}

/** The suites of a part that a runtime plays; of the others it is reported why not. */
function played(runtime: string, part: "adapters" | "storages", report: Report): string[] {
  const suites = (part === "adapters" ? ADAPTERS : STORAGES).map(({ name }) => `${part}/${name}`);
  for (const suite of suites) {
    const why = notPlayed(runtime, suite);
    if (why !== undefined) report({ name: suite, leftOut: why });
  }
  return suites.filter((suite) => notPlayed(runtime, suite) === undefined);
}

/** Two processes at a time. */
async function adapters(runtime: RuntimeName, report: Report): Promise<void> {
  const left = played(runtime, "adapters", report);
  const work = async (): Promise<void> => {
    for (let suite = left.shift(); suite !== undefined; suite = left.shift())
      await playSuites(runtime, [suite], report);
  };
  await Promise.all([work(), work()]);
}

/**
 * Two servers at a time, and one suite after the other on each: they would sweep each other's entries. What is not
 * played must be impossible still.
 */
async function storages(runtime: RuntimeName, report: Report): Promise<void> {
  const suites = played(runtime, "storages", report);
  const servers = [...new Set(STORAGES.map(({ server }) => server))];
  const work = async (): Promise<void> => {
    while (servers.length > 0) {
      const server = servers.shift();
      const own = STORAGES.filter((one) => one.server === server).map(({ name }) => `storages/${name}`);
      for (const suite of suites.filter((one) => own.includes(one))) await storageSuite(runtime, suite, report);
    }
  };
  await Promise.all([work(), work()]);
  for (const { name } of STORAGES.filter((one) => !suites.includes(`storages/${one.name}`))) {
    const error = "it can be opened: take it out of meant.ts";
    report({ name: `${name} cannot be opened`, ...((await opens(runtime, name)) && { error }) });
  }
}

async function storageSuite(runtime: RuntimeName, suite: string, report: Report): Promise<void> {
  try {
    await playSuites(runtime, [suite], report);
  } catch (error) {
    if (!mayBeMissing(error)) throw error;
    report({ name: suite, leftOut: error.message });
  }
}

async function onServer(starting: Promise<Served>, play: (served: Served) => Promise<void>): Promise<void> {
  const served = await starting;
  try {
    await play(served);
  } finally {
    await served.close();
  }
}

function bodies(begin: () => Promise<Served>, report: Report): Promise<void> {
  return onServer(begin(), async (served) => {
    const rows = new Rows(served, ({ name, ...rest }) => report({ name: `${served.name}: ${name}`, ...rest }));
    await rows.kinds();
    await rows.hono();
  });
}

async function limits(on: Limit["on"], report: Report, program?: string): Promise<void> {
  for (const { name, run } of LIMITS.filter((one) => one.on === on)) {
    const error = await run(program).then(
      () => undefined,
      (thrown: unknown) => String(thrown),
    );
    report({ name, ...(error !== undefined && { error }) });
  }
}
