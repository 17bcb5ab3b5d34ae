import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { withService, type Service } from "../../support/services.js";
import { columnsOf, type Family, type Where } from "./columns.js";
import { ServerProcess } from "./processes.js";
import type { Setup } from "./server.js";
import { OWNER_STORIES } from "./owner-stories.js";
import { STORIES } from "./stories.js";
import { World } from "./world.js";

/**
 * From here on time goes as a story says. It begins at the machine's own, since Memcached takes lifetimes of more
 * than 30 days for moments.
 */
const START = Date.now();

const ALL_STORIES = [...STORIES, ...OWNER_STORIES];

/** Stories that the drop-in for express-session cannot play, each with the reason. */
const NOT_OF_DROP_IN: Readonly<Record<string, string>> = {
  "the idle timeout passes under a save, but another's request refreshed the session: it is saved":
    "a cookie without maxAge is sent once: a save does not send it again",
};

/** How the processes of some columns are run. */
export interface Running {
  readonly runtime?: string;
  /** The runtime's arguments before the program. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The server whose columns are played; all where it is left out. */
  readonly server?: string;
  /** The only column that is played; all where it is left out. */
  readonly column?: string;
  /** One process instead of two, for what only one process sees. */
  readonly isAlone?: boolean;
  /** The handlers change plain properties, those of the drop-in for express-session. */
  readonly isDropIn?: boolean;
}

/** Plays every story for each column of a family whose server is there. */
export async function playFamily(family: Family, running: Running = {}): Promise<void> {
  const columns: Setup["columns"][number][] = [];
  for (const [server, all] of await byServer(family)) {
    const names = all.filter((name) => name === (running.column ?? name));
    if (server === undefined) columns.push(...names.map((name) => ({ name, where: NOWHERE })));
    else if (server === (running.server ?? server))
      await withService(server, (where) => columns.push(...names.map((name) => ({ name, where: plain(where) }))));
  }
  if (columns.length > 0) playColumns(family, columns, running);
}

/**
 * Plays every story for each of these columns, on one pair of servers; a few columns at a time, since they have
 * nothing in common but the processes.
 */
export function playColumns(family: Family, columns: Setup["columns"], running: Running = {}): void {
  const stories = running.isDropIn ? ALL_STORIES.filter(({ name }) => !(name in NOT_OF_DROP_IN)) : ALL_STORIES;
  describe(`races: ${family}`, { concurrency: 4 }, () => {
    let servers: Servers;
    const told = new Map(columns.map(({ name }) => [name, { passed: 0, ms: 0 }]));
    before(async () => {
      servers = await startServers(family, columns, running);
    });
    after(async () => {
      await servers.stop();
      console.log(
        [...told]
          .map(
            ([name, { passed, ms }]) =>
              `${name}: ${passed} of ${stories.length} stories (${(ms / 1000).toFixed(1)} s)`,
          )
          .join("\n"),
      );
    });
    for (const { name } of columns) {
      describe(name, { concurrency: 1 }, () => {
        for (const story of stories) {
          test(story.name, async () => {
            const began = performance.now();
            await story.play(servers.world(name));
            const column = told.get(name)!;
            column.passed += 1;
            column.ms += performance.now() - began;
          });
        }
      });
    }
  });
}

/** Two servers over the same data. */
export interface Servers {
  world(column: string): World;
  stop(): Promise<void>;
}

/** The second is started when the first is ready: it has made the tables. */
export async function startServers(
  family: Family,
  columns: Setup["columns"],
  { runtime, args, env, isAlone, isDropIn = false }: Running = {},
): Promise<Servers> {
  const start = (): Promise<ServerProcess> =>
    ServerProcess.start({ family, start: START, columns, isDropIn }, { runtime, args, env });
  const a = await start();
  const b = isAlone ? a : await start();
  return {
    world: (column) => new World(a, b, column),
    async stop() {
      for (const server of new Set([a, b])) await server.stop();
    },
  };
}

/** A directory for files, which goes with the process. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-races-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Where nothing needs an address. */
export const NOWHERE: Where = {
  url: "",
  host: "",
  port: 0,
  addresses: [],
  username: undefined,
  password: undefined,
  database: "",
};

async function byServer(family: Family): Promise<Map<string | undefined, string[]>> {
  const servers = new Map<string | undefined, string[]>();
  for (const { name, server } of await columnsOf(family)) servers.set(server, [...(servers.get(server) ?? []), name]);
  return servers;
}

function plain({ url, host, port, addresses, username, password, database }: Service): Where {
  return { url, host, port, addresses, username, password, database };
}
