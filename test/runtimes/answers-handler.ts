/**
 * Serves the rows of the answers matrix that fetch functions can play, one cell after the other, on any runtime.
 * `/-/begin?…` makes ready a cell, `/-/end` says what it showed; between them the row's program answers. Imports
 * nothing that only Node has.
 */
import { BARE, COLUMNS, ColumnStorage, REFUSED, type StorageName } from "../answers/columns.js";
import { web, type WebHandler } from "../answers/frameworks.js";
import type { Framework } from "../answers/row.js";
import { webWays } from "../answers/rows/web.js";
import { ColumnStage } from "../answers/stage.js";
import { NEXT, NEXT_BODY } from "../answers/wire.js";

web.listener = (fetch) => fetch as never;

/** What the program did, and what nobody caught. */
export interface Shown {
  readonly notes: Readonly<Record<string, number>>;
  readonly crashes: readonly string[];
  readonly saves: number;
  readonly writes: number;
  readonly events: readonly string[];
}

interface Cell {
  readonly stage: ColumnStage;
  readonly storage: ColumnStorage;
  readonly fetch: WebHandler;
}

let cell: Cell | undefined;
const crashes: string[] = [];

for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, (error: unknown) => {
    const { name, message } = (error ?? {}) as Partial<Error>;
    crashes.push(`${event}: ${name}: ${message?.split("\n")[0]}`);
  });

export function handler(request: Request, ...rest: unknown[]): Response | Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname === NEXT) return new Response(NEXT_BODY);
  if (pathname === "/-/begin") return begin(searchParams);
  if (pathname === "/-/end") return end();
  return cell!.fetch(request, ...rest);
}

/** Answers what the client sends with every request. */
async function begin(asked: URLSearchParams): Promise<Response> {
  const framework = asked.get("framework") as Framework;
  const column = [BARE, REFUSED, ...COLUMNS].find(({ name }) => name === asked.get("column"))!;
  const row = webWays.find(({ name, on }) => name === asked.get("row") && on.includes(framework))!;
  const storage = new ColumnStorage(column, asked.get("storage") as StorageName);
  const headers = column.isKnown ? { Cookie: `session_id=${await storage.seed(column)}` } : {};
  const stage = new ColumnStage(framework, column, storage);
  cell = { stage, storage, fetch: (await row.app(stage)) as unknown as WebHandler };
  crashes.length = 0;
  return Response.json(headers);
}

async function end(): Promise<Response> {
  const { stage, storage } = cell!;
  await stage.settled();
  await stage.end();
  const shown: Shown = {
    notes: stage.notes,
    crashes,
    saves: storage.saves,
    writes: stage.writes,
    events: stage.events,
  };
  return Response.json(shown);
}
